"""A contact: the aggregate's facts about one person, and how each fact changes them."""

from typing import Any, Final

import msgspec

ATTRIBUTES: Final = ("first_name", "last_name", "email", "phone", "source", "timezone")
"""The attributes that every contact has; all other fields are custom fields."""


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
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
    changed = apply(contact, data)
    return contact if changed is contact else msgspec.structs.replace(changed, updated_at_ms=at_ms)


def field_value(contact: Contact, field: str) -> Any:
    """An attribute of the contact, else its custom field of that name, else None."""
    if field in ATTRIBUTES or field in ("id", "tags"):
        value = getattr(contact, field)
        return contact.custom_fields.get(field) if value is None else value
    return contact.custom_fields.get(field)


def _created(contact: Contact, data: dict[str, Any]) -> Contact:
    given: dict[str, Any] = data.get("contact") or {}
    attributes = {name: given[name] for name in ATTRIBUTES if given.get(name) is not None}
    tags = contact.tags + tuple(tag for tag in dict.fromkeys(given.get("tags") or ()) if tag not in contact.tags)
    fields = contact.custom_fields | (given.get("custom_fields") or {})
    return msgspec.structs.replace(contact, **attributes, tags=tags, custom_fields=fields, created=True)


def _tag_added(contact: Contact, data: dict[str, Any]) -> Contact:
    tag = data["tag"]
    return contact if tag in contact.tags else msgspec.structs.replace(contact, tags=(*contact.tags, tag))


def _tag_removed(contact: Contact, data: dict[str, Any]) -> Contact:
    tag = data["tag"]
    if tag not in contact.tags:
        return contact
    return msgspec.structs.replace(contact, tags=tuple(kept for kept in contact.tags if kept != tag))


def _field_updated(contact: Contact, data: dict[str, Any]) -> Contact:
    field, value = data["field"], data["value"]
    if field in ATTRIBUTES:
        text = None if value is None else str(value)
        return contact if getattr(contact, field) == text else msgspec.structs.replace(contact, **{field: text})
    known = contact.custom_fields
    if known.get(field) == value and type(known.get(field)) is type(value):
        return contact
    return msgspec.structs.replace(contact, custom_fields=known | {field: value})


_FACTS: Final = {
    "contact.created": _created,
    "contact.tag_added": _tag_added,
    "contact.tag_removed": _tag_removed,
    "contact.field_updated": _field_updated,
}
