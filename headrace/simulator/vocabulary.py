"""What the workflows listen to and ask for, so that a made-up population has reason to meet them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from domain.conditions import All, AnyOf, Comparison, Condition, Not
from domain.fields import CONTACT_FIELDS, NAMESPACES
from domain.steps.condition import ConditionStep
from domain.steps.wait_for_event import WaitForEvent
from domain.workflow import Trigger, Workflow

_ONE: Final = frozenset({"equals", "not_equals", "greater_than", "less_than", "greater_or_equal", "less_or_equal"})
_SEVERAL: Final = frozenset({"in", "not_in"})
_TEXT: Final = frozenset({"contains", "equals", "starts_with"})
_REPLIES: Final = frozenset({"last_sms_reply", "contact.last_sms_reply", "event.body", "event.data.body"})
_NEVER_SET: Final = frozenset({"id", "created_at", "updated_at", "tags"})


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """Words and values of some workflows, in the order in which they are written there."""

    values: dict[str, tuple[Any, ...]]
    """What fields of a contact are compared with."""
    tags: tuple[str, ...]
    fields: dict[str, tuple[Any, ...]]
    """Fields whose change is a trigger, with the new values that it wants (none: any)."""
    events: dict[str, dict[str, tuple[Any, ...]]]
    """Events of other names that are a trigger, with what their data is compared with."""
    words: tuple[str, ...]
    """What replies are searched for."""
    manual: tuple[str, ...]
    """Workflows that are started by hand."""
    reported: frozenset[tuple[str, str]]
    """Workflows and their steps whose messages' deliveries are waited for."""


def vocabulary_of(workflows: Iterable[Workflow]) -> Vocabulary:
    """All that these workflows listen to and ask for."""
    found = _Found()
    for workflow in workflows:
        for trigger in workflow.triggers:
            found.trigger(workflow, trigger)
        for step in workflow.steps.values():
            if isinstance(step.config, ConditionStep):
                found.condition(step.config.test, None)
            elif isinstance(step.config, WaitForEvent):
                for awaited in step.config.events:
                    if isinstance(awaited, Trigger):
                        found.trigger(workflow, awaited)
                    else:
                        found.reported.add((workflow.id, awaited.step))
    return Vocabulary(
        values={field: _distinct(values) for field, values in found.values.items()},
        tags=_distinct(found.tags),
        fields={field: _distinct(values) for field, values in found.fields.items()},
        events={name: {key: _distinct(values) for key, values in data.items()} for name, data in found.events.items()},
        words=_distinct(found.words),
        manual=_distinct(found.manual),
        reported=frozenset(found.reported),
    )


class _Found:
    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = defaultdict(list)
        self.tags: list[str] = []
        self.fields: dict[str, list[Any]] = defaultdict(list)
        self.events: dict[str, dict[str, list[Any]]] = {}
        self.words: list[str] = []
        self.manual: list[str] = []
        self.reported: set[tuple[str, str]] = set()

    def trigger(self, workflow: Workflow, trigger: Trigger) -> None:
        config, event = trigger.config, None
        match trigger.type:
            case "tag_added" | "tag_removed":
                self.tags.append(config["tag"])
            case "field_updated":
                self.fields[config["field"]] += [config["to"]] if config.get("to") is not None else []
            case "sms_received":
                self.words += [config[name] for name in ("contains", "equals") if config.get(name)]
            case "event":
                event = config["name"]
                self.events.setdefault(event, defaultdict(list))
            case "manual":
                self.manual.append(workflow.id)
        if trigger.conditions is not None:
            self.condition(trigger.conditions, event)

    def condition(self, condition: Condition, event: str | None) -> None:
        for comparison in _comparisons(condition):
            values = [value for value in _values(comparison) if not (isinstance(value, str) and "{{" in value)]
            field = comparison.field
            if field in _REPLIES:
                self.words += [value for value in values if isinstance(value, str)] if _is_text(comparison) else []
            elif field.removeprefix("contact.") == "tags":
                self.tags += [value for value in values if isinstance(value, str)]
            elif field.startswith("event.") and event is not None:
                self.events[event][field.removeprefix("event.").removeprefix("data.")] += values
            elif (name := _contact_field(field)) is not None:
                self.values[name] += values


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    match condition:
        case Comparison():
            yield condition
        case Not():
            yield from _comparisons(condition.condition)
        case All() | AnyOf():
            for one in condition.conditions:
                yield from _comparisons(one)


def _values(comparison: Comparison) -> list[Any]:
    if comparison.operator in _ONE or _is_text(comparison):
        return [comparison.value]
    if comparison.operator in _SEVERAL and isinstance(comparison.value, list | tuple):
        return list(comparison.value)
    return []


def _is_text(comparison: Comparison) -> bool:
    return comparison.operator in _TEXT and isinstance(comparison.value, str)


def _contact_field(path: str) -> str | None:
    """The plain name of an attribute or a custom field; None for what a fact can't simply set."""
    name = path.removeprefix("contact.").removeprefix("custom_fields.")
    plain = "." not in name and name not in NAMESPACES and name not in _NEVER_SET
    return name if plain and (name in CONTACT_FIELDS or name) else None


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)
