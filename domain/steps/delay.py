"""Step kind `delay`: wait for a span of time; a day is 86,400 seconds."""

import msgspec

from domain.fields import Scope
from domain.steps.outcome import Done, Outcome, Wait
from domain.workflow import Step


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """How long, in milliseconds."""

    duration_ms: int


def enter(step: Step, scope: Scope) -> Outcome:
    """Wait from now on; a delay of nothing is done at once."""
    duration_ms: int = step.config.duration_ms
    given = {"seconds": duration_ms / 1000}
    if duration_ms == 0:
        return Done(input=given)
    return Wait(due_at_ms=scope.now_ms + duration_ms, input=given)
