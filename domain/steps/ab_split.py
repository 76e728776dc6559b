"""Step kind `ab_split`: each contact gets one arm, and keeps it."""

from hashlib import blake2b

import msgspec

from domain.fields import Scope
from domain.steps.outcome import Done, Outcome
from domain.workflow import Step


class AbSplit(msgspec.Struct, frozen=True, kw_only=True):
    """The arms' names and their shares, which add up to 1."""

    paths: tuple[str, ...]
    weights: tuple[float, ...]


def enter(step: Step, scope: Scope) -> Outcome:
    """Choose by a hash of workflow, step and contact: the same contact gets the same arm each time."""
    config: AbSplit = step.config
    workflow_id = scope.enrollment.workflow_id if scope.enrollment else ""
    arm = choose_arm(config, f"{workflow_id}/{step.id}/{scope.contact.id}")
    return Done(output={"path": arm}, branch=arm)


def choose_arm(config: AbSplit, seed: str) -> str:
    """The arm in whose share the seed's hash falls, as a number from 0 up to 1."""
    point = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) / 2**64
    reached = 0.0
    for path, weight in zip(config.paths, config.weights, strict=True):
        reached += weight
        if point < reached:
            return path
    return next(path for path, weight in reversed(list(zip(config.paths, config.weights, strict=True))) if weight > 0)
