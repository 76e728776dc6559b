"""How values, conditions, triggers and what is waited for are told to a person."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from domain.conditions import All, AnyOf, Condition, Not
from domain.times import format_time
from domain.workflow import Trigger

_LONGEST: Final = 80

_TRIGGERS: Final = {
    "contact_created": "the contact is created",
    "tag_added": "a tag is added",
    "tag_removed": "a tag is removed",
    "sms_received": "an SMS is received",
    "field_updated": "a field is updated",
    "event": "an event comes in",
    "manual": "somebody enrols the contact by hand",
}

REENTRY: Final = {
    "once": "the re-entry rule is `once`, and the contact had been enrolled before",
    "after_exit": "the re-entry rule is `after_exit`, and an enrollment was still open",
    "always": "the re-entry rule is `always`",
}


def shown(value: Any) -> str:
    """A value as JSON, in short."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def moment(at_ms: int) -> str:
    """A time to the second, for reading; the evidence has it exactly."""
    return format_time(at_ms)[:19].replace("T", " ")


def operand(compared: Mapping[str, Any]) -> str:
    """One comparison with what it found."""
    asked = f"{compared['field']} {compared['operator']}"
    if compared.get("value") is not None:
        asked += f" {shown(compared['value'])}"
    if compared.get("unit"):
        asked += f" {compared['unit']}"
    found = "it was missing" if compared["actual"] is None else f"it was {shown(compared['actual'])}"
    return f"{asked}: {'true' if compared['result'] else 'false'}, {found}"


def deciding(operands: Sequence[Mapping[str, Any]], result: bool) -> str:
    """The comparisons that made a condition's result: those that came out as it did, else all."""
    like = [one for one in operands if bool(one["result"]) is result] or operands
    return "; ".join(map(operand, like))


def condition(wanted: Condition) -> str:
    """A condition as it is written."""
    match wanted:
        case All(conditions=parts):
            return _joined(parts, " and ")
        case AnyOf(conditions=parts):
            return _joined(parts, " or ")
        case Not(condition=inner):
            return f"not ({condition(inner)})"
        case _:
            asked = f"{wanted.field} {wanted.operator}"
            asked += f" {shown(wanted.value)}" if wanted.value is not None else ""
            return f"{asked} {wanted.unit}" if wanted.unit else asked


def _joined(parts: Iterable[Condition], word: str) -> str:
    told = [f"({condition(part)})" if isinstance(part, All | AnyOf) else condition(part) for part in parts]
    return word.join(told)


def config(given: Mapping[str, Any]) -> str:
    """A trigger's filters."""
    return ", ".join(f"{name} {shown(value)}" for name, value in given.items() if value is not None)


def trigger(wanted: Trigger) -> str:
    """What fires a trigger."""
    told = _TRIGGERS.get(wanted.type, wanted.type)
    filters = config(wanted.config)
    told += f" ({filters})" if filters else ""
    return f"{told}, if {condition(wanted.conditions)}" if wanted.conditions else told


def delivery(step: str, statuses: Sequence[str]) -> str:
    """A delivery that is waited for."""
    return f"the message of step {step} is reported {' or '.join(statuses)}"


def and_list(items: Sequence[str]) -> str:
    """Items as a person lists them."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"
