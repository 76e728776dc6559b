"""What an enrollment waits for in time: the end of a wait, or the beginning of an attempt."""

from typing import NamedTuple

from domain.enrollment import Enrollment

HOLD = 0
"""The number of a hold's end, which is before there is any attempt."""


class Awaited(NamedTuple):
    """A visit's attempt that begins (after its back-off, if it is a repeated one), or its wait that ends (that has one).

    The end of a hold before there is any attempt has the number `HOLD`.
    """

    step: str
    visit: int = 1
    attempt: int = 1


def awaited_by(enrollment: Enrollment) -> Awaited | None:
    """What the enrollment waits for, paused or not; None when it is a provider's answer, an event, a person, or nothing."""
    timer, action, step_id = enrollment.timer, enrollment.action, enrollment.step_id
    if timer is not None and timer.kind == "delay" and step_id is not None:
        return Awaited(step_id, enrollment.visits[step_id])
    if timer is not None and timer.kind == "hold" and action is None and step_id is not None:
        return Awaited(step_id, enrollment.visits[step_id], HOLD)
    if action is not None and action.status in ("requested", "backoff", "held"):
        return Awaited(action.step_id, action.visit, action.attempt + 1)
    return None
