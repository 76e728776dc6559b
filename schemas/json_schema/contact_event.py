"""The JSON Schema of contact events in JSON, bare or as a CloudEvent in structured mode, from the table that checks them."""

from typing import Any

from schemas.contact_event import MAX_CONTACT_ID, MAX_HOPS, MAX_TEXT
from schemas.contact_event_data import CONTACT, NOT_FIELDS, SHAPES, Shape
from schemas.json_schema.definition import DIALECT


def contact_event_schema() -> dict[str, Any]:
    """What a producer may send."""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    contact_id = {"type": "string", "minLength": 1, "maxLength": MAX_CONTACT_ID}
    return {
        "$schema": DIALECT,
        "$id": "urn:headrace:schema:contact-event:1",
        "title": "A Headrace contact event",
        "description": "A bare event has `contact_id`; a CloudEvent has `specversion` and `subject`. "
        "Without either, the record's key is the contact id.",
        "type": "object",
        "properties": {
            "type": text,
            "contact_id": contact_id,
            "subject": contact_id,
            "id": text,
            "source": text,
            "specversion": {"type": "string", "pattern": "^1\\."},
            "time": {"type": "string", "format": "date-time"},
            "data": {"type": ["object", "null"]},
            "causationid": text,
            "commandid": text,
            "hops": {"type": ["integer", "string"], "minimum": 0, "maximum": MAX_HOPS, "pattern": "^[0-9]+$"},
        },
        "required": ["type"],
        "allOf": [_given_type(name, shape) for name, shape in SHAPES.items()],
    }


def _given_type(name: str, shape: Shape) -> dict[str, Any]:
    then: dict[str, Any] = {"properties": {"data": _data(name, shape)}}
    if shape.needs:
        then["required"] = ["data"]
    return {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": then}


def _data(name: str, shape: Shape) -> dict[str, Any]:
    properties = {key: kind.schema for key, kind in shape.keys.items()}
    if name == "contact.created":
        inner = {key: kind.schema for key, kind in CONTACT.keys.items()}
        properties["contact"] = properties["contact"] | {"properties": inner}
    if name == "contact.field_updated":
        properties["field"] = properties["field"] | {"not": {"enum": list(NOT_FIELDS)}}
    types: Any = "object" if shape.needs else ["object", "null"]
    return {"type": types, "properties": properties, "required": list(shape.needs)}
