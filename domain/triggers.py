"""Triggers: which facts enrol a contact or end a wait, found through an index by type and key."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Self, TypeVar

import msgspec

from domain.conditions import compile_condition, compile_explained
from domain.fields import Scope
from domain.operators import OPERATORS
from domain.values import equal
from domain.workflow import Trigger, Workflow

TRIGGER_OF_FACT: Final = {
    "contact.created": "contact_created",
    "contact.tag_added": "tag_added",
    "contact.tag_removed": "tag_removed",
    "contact.sms_received": "sms_received",
    "contact.field_updated": "field_updated",
}
"""The trigger that each kind of fact fires, beside `event` triggers of the fact's own name."""

_KEY_OF: Final = {"tag_added": "tag", "tag_removed": "tag", "field_updated": "field", "event": "name"}
"""The `config` key by which a trigger of this type is looked up."""


class Heard(msgspec.Struct, frozen=True):
    """A trigger, or the like of one that a wait has, ready to be asked whether a fact is what it is about."""

    index: int
    """Its number among those of the workflow, or of the wait."""
    trigger: Trigger
    accepts: Callable[[dict[str, Any]], bool]
    """Whether the fact's data passes the trigger's `config` filters."""
    holds: Callable[[Scope], bool]
    """Whether the trigger's conditions are true."""
    explained: Callable[[Scope], tuple[bool, list[dict[str, Any]]]]
    """The same with the operands, for the journal."""

    @classmethod
    def of(cls, index: int, trigger: Trigger, **of_it: Any) -> Self:
        """The trigger, compiled."""
        holds = compile_condition(trigger.conditions) if trigger.conditions else _always
        explained = compile_explained(trigger.conditions) if trigger.conditions else _nothing_asked
        return cls(index, trigger, _filter(trigger), holds, explained, **of_it)


class Armed(Heard, frozen=True, kw_only=True):
    """A trigger of a live workflow."""

    workflow: Workflow


H = TypeVar("H", bound=Heard)
Index = dict[tuple[str, str | None], tuple[H, ...]]
"""By the trigger's type and key (None: any key)."""
TriggerIndex = Index[Armed]


def arm(workflow: Workflow) -> Iterator[Armed]:
    """The workflow's triggers, compiled. A `manual` trigger is never fired by a fact and is left out."""
    for index, trigger in enumerate(workflow.triggers):
        if trigger.type != "manual":
            yield Armed.of(index, trigger, workflow=workflow)


def index_triggers(workflows: Iterable[Workflow]) -> TriggerIndex:
    """The triggers of all live workflows by type and key."""
    return index_heard(armed for workflow in workflows for armed in arm(workflow))


def index_heard(heard: Iterable[H]) -> Index[H]:
    """Triggers, or the like, by type and key."""
    index: dict[tuple[str, str | None], list[H]] = {}
    for one in heard:
        key = one.trigger.config.get(_KEY_OF.get(one.trigger.type, ""))
        index.setdefault((one.trigger.type, key), []).append(one)
    return {key: tuple(found) for key, found in index.items()}


def fired_by(index: Index[H], event_type: str, data: dict[str, Any]) -> Sequence[H]:
    """The triggers that a fact fires by its type and data; their conditions are still to be asked."""
    found = about(index, event_type, data)
    return [one for one in found if one.accepts(data)] if found else found


def about(index: Index[H], event_type: str, data: dict[str, Any]) -> Sequence[H]:
    """The triggers that a fact concerns by its type and key; their filters are still to be asked."""
    found = index.get(("event", event_type), ())
    trigger_type = TRIGGER_OF_FACT.get(event_type)
    if trigger_type is not None:
        key = data.get(_KEY_OF.get(trigger_type, ""))
        of_any_key = index.get((trigger_type, None), ()) if key is not None else ()
        found = (*index.get((trigger_type, key), ()), *of_any_key, *found)
    return found


def _always(_: Any) -> bool:
    return True


def _nothing_asked(_: Scope) -> tuple[bool, list[dict[str, Any]]]:
    return True, []


def _filter(trigger: Trigger) -> Callable[[dict[str, Any]], bool]:
    match trigger.type:
        case "sms_received":
            return _text_filter(trigger.config)
        case "field_updated":
            return _change_filter(trigger.config)
        case _:
            return _always


def _text_filter(config: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """`contains`, `equals` and `matches` mean what the operators of these names mean; all that are given must hold."""
    names = [name for name in ("contains", "equals", "matches") if config.get(name) is not None]
    tests = [OPERATORS[name].prepare(config[name], None) for name in names]
    return lambda data: all(test(data.get("body"), 0) for test in tests)


def _change_filter(config: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """`from` and `to` are equal as conditions see it: 5 is "5"."""
    wanted = [(key, config[name]) for name, key in (("from", "old_value"), ("to", "value")) if name in config]
    return lambda data: all(equal(data.get(key), value) for key, value in wanted)
