"""Step kind `wait_for_event`: its `config`. What is waited for is written as triggers are, or is a message's delivery."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from domain.delivery import RANKS
from domain.steps.wait_for_event import DELIVERY, KIND, RECEIVED, TIMEOUT, AwaitedDelivery, WaitForEvent
from domain.workflow import Trigger
from schemas.definition.checking import Model, Report, describe, one_of
from schemas.definition.diagnostics import did_you_mean
from schemas.definition.positions import Path
from schemas.definition.steps.delay import DelayConfig
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.triggers import TRIGGERS, TriggerModel
from schemas.definition.values import StepId, or_span, span_seconds

MAX_EVENTS: Final = 100

_STATUS_SCHEMA: Final = {"enum": list(RANKS)}

_Status = Annotated[
    str,
    BeforeValidator(one_of("bad_value", "what may be reported of a message", lambda: RANKS)),
    WithJsonSchema(_STATUS_SCHEMA),
]


class DeliveryFilter(Model):
    """What is reported of the message of an earlier step: one status, or any of several."""

    step: StepId
    status: Annotated[
        list[_Status],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
        Field(min_length=1, max_length=len(RANKS)),
        WithJsonSchema({"anyOf": [_STATUS_SCHEMA, {"type": "array", "items": _STATUS_SCHEMA, "minItems": 1}]}),
    ]


AWAITED: Final[dict[str, type[Model]]] = {
    **{name: filters for name, filters in TRIGGERS.items() if name != "manual"},
    DELIVERY: DeliveryFilter,
}
"""Everything that can be waited for, and what its `config` may have."""


class AwaitedModel(TriggerModel):
    """What ends the wait: written as a trigger is."""

    def awaited(self) -> Trigger | AwaitedDelivery:
        """What the engine listens for."""
        if self.type != DELIVERY:
            return self.trigger()
        found = DeliveryFilter.model_validate(self.config)
        return AwaitedDelivery(step=found.step, statuses=tuple(found.status))


def _as_list(value: Any) -> Any:
    """One event stands for a list of it, and a name for the event of that name."""
    listed = value if isinstance(value, list) else [value]
    return [{"type": "event", "config": {"name": one}} if isinstance(one, str) else one for one in listed]


def _spelled_out(value: Any) -> Any:
    """A span, as `2d` or a number of seconds, stands for the config of a delay."""
    is_span = isinstance(value, str | int | float) and not isinstance(value, bool)
    return {"duration": span_seconds(value), "unit": "seconds"} if is_span else value


class WaitForEventConfig(Config):
    """What is waited for, any of it, and how long at most."""

    event: Annotated[list[AwaitedModel], BeforeValidator(_as_list), Field(min_length=1, max_length=MAX_EVENTS)]
    timeout: Annotated[DelayConfig | None, BeforeValidator(_spelled_out), Field(json_schema_extra=or_span)] = None

    def texts(self) -> Iterator[tuple[Path, str]]:
        """The texts in conditions that are rendered first."""
        for index, one in enumerate(self.event):
            for number, condition in enumerate(one.conditions or ()):
                yield from condition.texts(("event", index, "conditions", number))

    def check(self, report: Report, path: Path) -> bool:
        """Report what is wrong with each event's own config."""
        return all([_check(report, one, (*path, "event", index)) for index, one in enumerate(self.event)])  # noqa: C419

    def mend_branch(self, name: str) -> str:
        """The branch `timeout` needs a time-out."""
        return "add a time-out to its config, as `timeout: 2d`" if name == TIMEOUT else ""

    @property
    def deliveries(self) -> Iterator[tuple[Path, AwaitedDelivery]]:
        """The deliveries that are waited for, and where they stand in the config."""
        for index, one in enumerate(self.event):
            awaited = one.awaited()
            if isinstance(awaited, AwaitedDelivery):
                yield ("event", index, "config"), awaited


def _check(report: Report, one: AwaitedModel, path: Path) -> bool:
    filters = AWAITED.get(one.type)
    if filters is None:
        message = f"expected an event to wait for, found {describe(one.type)}"
        report.add("unknown_trigger", (*path, "type"), message, did_you_mean(one.type, AWAITED))
        return False
    if one.type == DELIVERY and one.conditions is not None:
        message = "expected a delivery without `conditions`, found some"
        report.add(
            "conflicting_keys", (*path, "conditions"), message, "ask them in a condition step after the wait", key=True
        )
        return False
    return report.check(filters, one.config or {}, (*path, "config"), f"the config of {one.type}") is not None


def _compile(config: WaitForEventConfig, _: Templates) -> WaitForEvent:
    timeout_ms = None if config.timeout is None else round(config.timeout.seconds * 1000)
    return WaitForEvent(events=tuple(one.awaited() for one in config.event), timeout_ms=timeout_ms)


def _branches(config: WaitForEventConfig) -> tuple[str, ...]:
    return (RECEIVED,) if config.timeout is None else (RECEIVED, TIMEOUT)


WAIT_FOR_EVENT: Final = StepKind(KIND, WaitForEventConfig, _compile, _branches, needs_branches=False)
