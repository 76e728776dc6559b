"""The triggers of the language: each type with the filters of its `config`, in one table."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, model_validator

from domain.conditions import Comparison, check_comparison
from domain.workflow import Trigger
from schemas.definition.checking import Model, Report, describe, wrong
from schemas.definition.conditions import AnyNumberOfConditions, group
from schemas.definition.diagnostics import did_you_mean
from schemas.definition.positions import Path
from schemas.definition.values import Key, Text


def _pattern(pattern: str) -> str:
    problem = check_comparison(Comparison("event.body", "matches", pattern))
    if problem:
        raise wrong("bad_regex", problem)
    return pattern


class NoFilter(Model):
    """This trigger has no filters; use `conditions`."""


class TagFilter(Model):
    """Fires for one tag."""

    tag: Key


class SmsFilter(Model):
    """Fires for every SMS, or for those whose text contains or equals something or matches a pattern."""

    contains: Text | None = None
    equals: Text | None = None
    matches: Annotated[Text, AfterValidator(_pattern)] | None = None

    @model_validator(mode="after")
    def _one_filter(self) -> "SmsFilter":
        if len(self.model_fields_set) > 1:
            names = sorted(self.model_fields_set)
            message = f"expected one of `contains`, `equals` and `matches`, found {' and '.join(names)}"
            raise wrong("conflicting_keys", message, "use `conditions` on event.body for the others", at=names[1])
        return self


class FieldFilter(Model):
    """Fires when one field changes, from any value to any value unless they are given."""

    field: Key
    from_: Any = Field(None, alias="from")
    to: Any = None


class EventFilter(Model):
    """Fires for every contact event of one type."""

    name: Key


TRIGGERS: Final[dict[str, type[Model]]] = {
    "contact_created": NoFilter,
    "tag_added": TagFilter,
    "tag_removed": TagFilter,
    "sms_received": SmsFilter,
    "field_updated": FieldFilter,
    "event": EventFilter,
    "manual": NoFilter,
}
"""Every trigger, and what its `config` may have."""


class TriggerModel(Model):
    """What enrols a contact."""

    type: str
    config: dict[str, Any] | None = None
    conditions: AnyNumberOfConditions | None = None

    def trigger(self) -> Trigger:
        """What the engine arms."""
        return Trigger(self.type, dict(self.config or {}), group(self.conditions) if self.conditions else None)


def check_trigger(report: Report, value: Any, path: Path) -> TriggerModel | None:
    """The trigger at this path, or None after reporting why not."""
    trigger = report.check(TriggerModel, value, path, "the trigger")
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        return None
    filters = TRIGGERS.get(kind)
    if filters is None:
        message = f"expected a trigger, found {describe(kind)}"
        report.add("unknown_trigger", (*path, "type"), message, did_you_mean(kind, TRIGGERS))
        return None
    config = value.get("config")
    if config is None or isinstance(config, dict):
        checked = report.check(filters, config or {}, (*path, "config"), f"the config of the trigger {kind}")
        return trigger if checked else None
    return None
