"""A contact: the aggregate's facts about one person, and how each fact changes them."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

ATTRIBUTES: Final = ("first_name", "last_name", "email", "phone", "source", "timezone")
"""The attributes that every contact has; all other fields are custom fields."""


class Contact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is known of one contact. Times are milliseconds since the epoch."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    source: str | None = None
    timezone: str | None = None
    tags: tuple[str, ...] = ()
    custom_fields: dict[str, Any] = {}
    created_at_ms: int = 0
    updated_at_ms: int = 0
    created: bool = False
    """True once a `contact.created` was seen; a bare contact came from another event."""


def apply_fact(contact: Contact, event_type: str, data: dict[str, Any], at_ms: int) -> Contact:
    """The contact after a fact; types that change no contact give it back unchanged.

    A fact that changes nothing (a tag that is there, an equal value) gives back the very same object, so
    `apply_fact(c, ...) is c` tells whether anything changed.
    """
    apply = _FACTS.get(event_type)
    if apply is None:
        return contact
    return apply(contact, data, at_ms)


def field_value(contact: Contact, field: str) -> Any:
    """An attribute of the contact, else its custom field of that name, else None."""
    if field in ATTRIBUTES or field in ("id", "tags"):
        value = getattr(contact, field)
        return contact.custom_fields.get(field) if value is None else value
    return contact.custom_fields.get(field)


def _created(contact: Contact, data: dict[str, Any], at_ms: int) -> Contact:
    given: dict[str, Any] = data.get("contact") or {}
    attributes = {name: value for name in ATTRIBUTES if (value := given.get(name)) is not None}
    tags = tuple(dict.fromkeys((*contact.tags, *(given.get("tags") or ()))))
    fields = contact.custom_fields | (given.get("custom_fields") or {})
    return replace(contact, **attributes, tags=tags, custom_fields=fields, created=True, updated_at_ms=at_ms)


def _tag_added(contact: Contact, data: dict[str, Any], at_ms: int) -> Contact:
    tag = data["tag"]
    return contact if tag in contact.tags else replace(contact, tags=(*contact.tags, tag), updated_at_ms=at_ms)


def _tag_removed(contact: Contact, data: dict[str, Any], at_ms: int) -> Contact:
    tag = data["tag"]
    if tag not in contact.tags:
        return contact
    return replace(contact, tags=tuple(kept for kept in contact.tags if kept != tag), updated_at_ms=at_ms)


def _field_updated(contact: Contact, data: dict[str, Any], at_ms: int) -> Contact:
    field, value = data["field"], data["value"]
    if field in ATTRIBUTES:
        text = None if value is None else str(value)
        unchanged = getattr(contact, field) == text
        return contact if unchanged else replace(contact, **{field: text}, updated_at_ms=at_ms)
    known = contact.custom_fields
    if _same(known.get(field), value):
        return contact
    return replace(contact, custom_fields={**known, field: value}, updated_at_ms=at_ms)


def _same(known: Any, value: Any) -> bool:
    """Whether two JSON values are one: numbers by what they are worth (5 is 5.0: a database keeps no difference)."""
    return bool(known == value) and isinstance(known, bool) == isinstance(value, bool)


_FACTS: Final[dict[str, Callable[[Contact, dict[str, Any], int], Contact]]] = {
    "contact.created": _created,
    "contact.tag_added": _tag_added,
    "contact.tag_removed": _tag_removed,
    "contact.field_updated": _field_updated,
}
