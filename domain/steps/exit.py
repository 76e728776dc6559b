"""Step kind `exit`: leave the workflow here."""

import msgspec

from domain.fields import Scope
from domain.steps.outcome import Leave, Outcome
from domain.workflow import Step


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """Why, in a word or two that reports show."""

    reason: str = "exit_step"


def enter(step: Step, scope: Scope) -> Outcome:  # noqa: ARG001 every kind has one shape
    """Leave."""
    config: Exit = step.config
    return Leave(reason=config.reason)
