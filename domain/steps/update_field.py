"""Step kind `update_field`: set an attribute or a custom field of the contact."""

from typing import Any

import msgspec

from domain.contact import apply_fact, field_value
from domain.fields import Scope
from domain.steps.outcome import Change, Done, Outcome
from domain.templates import render_value
from domain.workflow import Step


class UpdateField(msgspec.Struct, frozen=True, kw_only=True):
    """The field's name and its new value: text may hold templates, everything else is taken as it is."""

    field: str
    value: Any


def enter(step: Step, scope: Scope) -> Outcome:
    """Set the field; an equal value changes nothing."""
    config: UpdateField = step.config
    data = {
        "field": config.field,
        "value": render_value(config.value, scope),
        "old_value": field_value(scope.contact, config.field),
    }
    changed = apply_fact(scope.contact, "contact.field_updated", data, scope.now_ms) is not scope.contact
    changes = (Change("contact.field_updated", data),) if changed else ()
    given = {"field": data["field"], "value": data["value"]}
    return Done(input=given, output={"changed": changed, "old_value": data["old_value"]}, changes=changes)
