"""What `data` of the known contact events looks like: one table, which the reader checks and the JSON Schema shows."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from domain.contact import ATTRIBUTES

MAX_DEPTH: Final = 64
"""Lists and objects nested deeper than this are refused: all code downstream may then recurse."""


class Kind(NamedTuple):
    """What a value must be: in words, as a test, and as JSON Schema."""

    words: str
    holds: Callable[[Any], bool]
    schema: dict[str, Any]


def _is_text_list(value: Any) -> bool:
    return value is None or (type(value) is list and all(type(item) is str for item in value))


_NAME: Final = Kind("text that is not empty", lambda v: type(v) is str and v != "", {"type": "string", "minLength": 1})
_TEXT: Final = Kind("text", lambda v: type(v) is str, {"type": "string"})
_OPTIONAL_TEXT: Final = Kind("text or null", lambda v: v is None or type(v) is str, {"type": ["string", "null"]})
_TEXTS: Final = Kind("a list of text", _is_text_list, {"type": ["array", "null"], "items": {"type": "string"}})
_OBJECT: Final = Kind("an object", lambda v: v is None or type(v) is dict, {"type": ["object", "null"]})
_ANY: Final = Kind("any value", lambda _: True, {})


class Shape(NamedTuple):
    """The keys that are known of an object, and those of them that it must have. All other keys are kept."""

    keys: dict[str, Kind]
    needs: tuple[str, ...] = ()


CONTACT: Final = Shape({**dict.fromkeys(ATTRIBUTES, _OPTIONAL_TEXT), "tags": _TEXTS, "custom_fields": _OBJECT})
"""`contact` in the data of `contact.created`."""

_TAG: Final = Shape({"tag": _NAME}, ("tag",))

SHAPES: Final[dict[str, Shape]] = {
    "contact.created": Shape({"contact": _OBJECT}),
    "contact.field_updated": Shape({"field": _NAME, "value": _ANY, "old_value": _ANY}, ("field", "value")),
    "contact.tag_added": _TAG,
    "contact.tag_removed": _TAG,
    "contact.sms_received": Shape(
        {"body": _TEXT, "from": _OPTIONAL_TEXT, "to": _OPTIONAL_TEXT, "message_id": _OPTIONAL_TEXT}, ("body",)
    ),
}
"""The `data` of each known type; every other type's data may be any object."""

NOT_FIELDS: Final = {
    "id": "a contact keeps its id",
    "tags": "send contact.tag_added and contact.tag_removed",
    "custom_fields": "name the one custom field that changed",
}
"""Names that `contact.field_updated` must not have as its `field`."""


def problem_with(event_type: str, data: dict[str, Any]) -> str | None:
    """What is wrong with the data of an event, in words that name the field; None when nothing is."""
    shape = SHAPES.get(event_type)
    if shape is None:
        return None
    problem = _mismatch(shape, data, "data")
    if problem is not None:
        return problem
    if event_type == "contact.created":
        return _problem_with_contact(data)
    if event_type == "contact.field_updated" and data["field"] in NOT_FIELDS:
        return f"data.field: '{data['field']}' can't be updated: {NOT_FIELDS[data['field']]}"
    return None


def _problem_with_contact(data: dict[str, Any]) -> str | None:
    contact = data.get("contact")
    if contact is not None:
        return _mismatch(CONTACT, contact, "data.contact")
    outside = sorted(data.keys() & CONTACT.keys.keys())
    return f"data.contact: expected '{outside[0]}' in here, found it in data" if outside else None


def _mismatch(shape: Shape, found: dict[str, Any], where: str) -> str | None:
    for name in shape.needs:
        if name not in found:
            return f"{where}.{name}: expected {shape.keys[name].words}, found none"
    for name, value in found.items():
        kind = shape.keys.get(name)
        if kind is not None and not kind.holds(value):
            return f"{where}.{name}: expected {kind.words}, found {_words(value)}"
    return None


def _words(value: Any) -> str:
    """The type of a value; never the value, which may be personal."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list():
            return "a list"
        case _:
            return "an object"


def is_too_deep(value: Any) -> bool:
    """Whether lists and objects are nested deeper than `MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def has_nul(value: Any) -> bool:
    """Whether a text in the value has a NUL, which Postgres can't keep."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(has_nul(item) for item in value)
