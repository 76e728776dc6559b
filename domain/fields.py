"""Fields: what a dotted path in a condition or a template means, and how it is read."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from domain.contact import ATTRIBUTES, Contact
from domain.enrollment import Enrollment
from domain.times import format_time


class Scope(msgspec.Struct, frozen=True):
    """Everything that a condition or a template may read."""

    contact: Contact
    now_ms: int
    """Decide's time: the only one that a template or a condition knows."""
    enrollment: Enrollment | None = None
    event: dict[str, Any] | None = None
    """The event that a trigger or a wait is matched with; without it, the event that triggered `enrollment`."""
    last_sms_reply: str | None = None
    """The newest SMS that the contact ever sent: `contact.last_sms_reply`."""


Reader = Callable[[Scope], Any]
"""Reads one field; None when it is missing."""

CONTACT_FIELDS: Final = ("id", *ATTRIBUTES, "tags", "created_at", "updated_at")
"""What every contact has, before any custom field."""

NAMESPACES: Final = ("contact", "custom_fields", "event", "steps", "enrollment", "last_sms_reply", "now", "secrets")
"""First names that are never a custom field; such a custom field is reached by `custom_fields.<name>`."""

ENROLLMENT_FIELDS: Final = ("id", "workflow_id", "version", "state", "enrolled_at", "hops", "event")

_ENVELOPE = ("id", "type", "source", "time")
_MAX_INDEX_DIGITS = 9


def resolve(scope: Scope, path: str) -> Any:
    """The value that the path names, None when there is none."""
    return compile_path(path)(scope)


def compile_path(path: str) -> Reader:
    """The reader of a dotted path."""
    return compile_names(tuple(path.split(".")))


def compile_names(names: Sequence[str | int]) -> Reader:
    """The reader of a path that is already split; an int is the index of a list (Liquid's `tags[-1]`)."""
    first, rest = names[0], tuple(names[1:])
    namespace = _NAMESPACE_READERS.get(first) if isinstance(first, str) else None
    return _contact_field(tuple(names)) if namespace is None else namespace(rest)


def check_path(path: str) -> str | None:
    """What is wrong with a path that can never name anything, else None."""
    names = path.split(".")
    if not all(name.strip() == name != "" for name in names):
        return f"expected names joined by dots, found {path!r}"
    if names[0] in ("contact", "custom_fields", "event") and len(names) == 1:
        return f"`{path}` holds many fields: name one, as `{path}.<name>`"
    if names[0] == "secrets":
        return f"`{path}` can't be read: secrets are only for the requests of steps that call a service"
    if names[0] == "steps" and (len(names) < 3 or names[2] != "output"):  # noqa: PLR2004 - steps.<id>.output
        return f"expected `steps.<step id>.output.<name>`, found `{path}`"
    if names[0] == "enrollment" and (len(names) == 1 or names[1] not in ENROLLMENT_FIELDS):
        return f"expected `enrollment.` and one of {', '.join(ENROLLMENT_FIELDS)}, found `{path}`"
    return None


def reach(value: Any, names: tuple[str | int, ...]) -> Any:
    """Follow names into nested objects and lists (a number is an index; lists know `size`, `first` and `last`)."""
    for name in names:
        if isinstance(value, dict):
            value = value.get(str(name))
        elif isinstance(value, list | tuple):
            value = _item(value, name)
        elif name == "size" and isinstance(value, str):
            value = len(value)
        else:
            return None
    return list(value) if isinstance(value, tuple) else value


def _item(items: Sequence[Any], name: str | int) -> Any:
    if name == "size":
        return len(items)
    if name == "first":
        name = 0
    elif name == "last":
        name = -1
    elif isinstance(name, str):
        if not (name.isdecimal() and len(name) <= _MAX_INDEX_DIGITS):
            return None
        name = int(name)
    return items[name] if -len(items) <= name < len(items) else None


# ---------------------------------------------------------------- one reader a namespace


def _contact_field(names: tuple[str | int, ...]) -> Reader:
    """An attribute of the contact, else a custom field; a null attribute falls through (DESIGN 5.6, Conditions)."""
    custom = _custom_field(names)
    read = _ATTRIBUTE_READERS.get(names[0]) if isinstance(names[0], str) else None
    if read is None:
        return custom
    attribute, rest = read, names[1:]

    def field(scope: Scope) -> Any:
        value = attribute(scope.contact)
        if value is None:
            return custom(scope)
        return reach(value, rest) if rest else value

    return field


def _custom_field(names: tuple[str | int, ...]) -> Reader:
    """A custom field; one whose own name has dots wins over the reach into a nested object."""
    if not names:
        return lambda scope: scope.contact.custom_fields
    first, rest = str(names[0]), names[1:]
    if not rest:
        return lambda scope: scope.contact.custom_fields.get(first)
    whole = ".".join(map(str, names))

    def custom(scope: Scope) -> Any:
        fields = scope.contact.custom_fields
        return fields[whole] if whole in fields else reach(fields.get(first), rest)

    return custom


def _contact(names: tuple[str | int, ...]) -> Reader:
    if not names:
        return _nothing
    if names == ("last_sms_reply",):
        return lambda scope: scope.last_sms_reply
    if names[0] == "custom_fields":
        return _custom_field(names[1:])
    return _contact_field(names)


def _event(names: tuple[str | int, ...]) -> Reader:
    return _of_event(names, lambda scope: _enrolled_by(scope) if scope.event is None else scope.event)


def _of_event(names: tuple[str | int, ...], event: Reader) -> Reader:
    if not names:
        return event
    path = names if names[0] == "data" or names[0] in _ENVELOPE else ("data", *names)
    return lambda scope: reach(event(scope), path)


def _enrolled_by(scope: Scope) -> dict[str, Any] | None:
    return None if scope.enrollment is None else scope.enrollment.event


def _steps(names: tuple[str | int, ...]) -> Reader:
    if len(names) < 2 or names[1] != "output":  # noqa: PLR2004 - steps.<id>.output
        return _nothing
    step, rest = str(names[0]), names[2:]

    def output(scope: Scope) -> Any:
        return None if scope.enrollment is None else reach(scope.enrollment.outputs.get(step), rest)

    return output


def _enrollment(names: tuple[str | int, ...]) -> Reader:
    if not names or names[0] not in ENROLLMENT_FIELDS:
        return _nothing
    name, rest = str(names[0]), names[1:]
    if name == "event":
        return _of_event(rest, _enrolled_by)

    def field(scope: Scope) -> Any:
        enrollment = scope.enrollment
        if enrollment is None:
            return None
        value = format_time(enrollment.enrolled_at_ms) if name == "enrolled_at" else getattr(enrollment, name)
        return reach(value, rest)

    return field


def _last_sms_reply(names: tuple[str | int, ...]) -> Reader:
    """Since the enrollment started, so nothing outside one; the event that triggered it is not counted."""
    return lambda scope: None if scope.enrollment is None else reach(scope.enrollment.last_sms_reply, names)


def _now(names: tuple[str | int, ...]) -> Reader:
    return (lambda scope: format_time(scope.now_ms)) if not names else _nothing


def _nothing(_: Scope) -> None:
    return None


_NAMESPACE_READERS: Final[dict[str, Callable[[tuple[str | int, ...]], Reader]]] = {
    "contact": _contact,
    "custom_fields": _custom_field,
    "event": _event,
    "steps": _steps,
    "enrollment": _enrollment,
    "last_sms_reply": _last_sms_reply,
    "now": _now,
    "secrets": lambda _: _nothing,
}


def _attribute(name: str) -> Callable[[Contact], Any]:
    return lambda contact: getattr(contact, name)


_ATTRIBUTE_READERS: Final[dict[str, Callable[[Contact], Any]]] = {
    **{name: _attribute(name) for name in ("id", *ATTRIBUTES)},
    "tags": lambda contact: list(contact.tags),
    "created_at": lambda contact: format_time(contact.created_at_ms) if contact.created_at_ms else None,
    "updated_at": lambda contact: format_time(contact.updated_at_ms) if contact.updated_at_ms else None,
}
