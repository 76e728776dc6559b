"""A compiled workflow version: what the engine runs. `schemas.definition` makes it from a document."""

from typing import Any, Final

import msgspec

from domain.conditions import Condition
from domain.frequency import FrequencyCap
from domain.send_window import SendWindow

END: Final = "end"
"""The reserved step target that ends an enrollment."""


class Retry(msgspec.Struct, frozen=True):
    """How often and when an attempt is repeated: exponential from `backoff_ms`, at most `max_backoff_ms`, and jitter."""

    max_attempts: int = 3
    backoff_ms: int = 1_000
    max_backoff_ms: int = 300_000
    jitter_permille: int = 100
    """By how much of itself a pause is spread, at most, so that many do not come back at once."""


class Lateness(msgspec.Struct, frozen=True):
    """How late a step may run, and what becomes of one that is later: `run`, `skip` or `exit`."""

    max_ms: int
    then: str = "skip"


class RateLimit(msgspec.Struct, frozen=True):
    """How many messages of a workflow may begin within a span of time, in each worker."""

    messages: int
    span_ms: int


class Trigger(msgspec.Struct, frozen=True):
    """What enrols contacts. `type` is one of the definition language's triggers; `config` its filters."""

    type: str
    config: dict[str, Any] = {}
    conditions: Condition | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `next` and the branches' targets are step ids; None is the end."""

    id: str
    kind: str
    config: Any
    """The frozen config type of its kind (`domain/steps/<kind>.py`)."""
    next: str | None
    branches: dict[str, str | None] = {}
    retry: Retry = Retry()
    on_failure: str = "incident"
    """`incident`, `continue`, `exit`, or a step id."""
    when_unknown: str | None = None
    """`never_twice` or `retry`: what becomes of an attempt of which nobody knows whether its provider took it. None:
    `never_twice` for a message, `retry` for all else."""
    lateness: Lateness | None = None
    """None: the definition says nothing of it, so it runs however late, unless the engine is told to hold such steps."""
    send_window: SendWindow | None = None
    """When its message may go, in the contact's time zone; None: at any time."""
    frequency_cap: FrequencyCap | None = None
    """How many messages the contact may get, for its message to go; None: any number."""


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable version of a workflow, compiled."""

    id: str
    version: int
    name: str
    triggers: tuple[Trigger, ...]
    steps: dict[str, Step]
    """By id, in the definition's order; the first one is where an enrollment starts."""
    reentry: str = "once"
    """`once`, `after_exit` or `always`."""
    rate_limit: RateLimit | None = None
    """Of the live version: it holds for the enrollments of all."""

    @property
    def first_step(self) -> str:
        """The id of the step where an enrollment starts."""
        return next(iter(self.steps))
