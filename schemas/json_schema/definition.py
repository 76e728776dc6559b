"""The JSON Schemas of workflow and template documents, from the pydantic models that check them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.definition.checking import Model
from schemas.definition.conditions import ConditionModel
from schemas.definition.model import StepModel, TemplateModel, WorkflowModel
from schemas.definition.steps import ALIASES, STEP_KINDS
from schemas.definition.steps.config_schema import ConfigSchema
from schemas.definition.steps.kind import StepKind
from schemas.definition.steps.wait_for_event import AWAITED, MAX_EVENTS, AwaitedModel, WaitForEventConfig
from schemas.definition.triggers import TRIGGERS, TriggerModel
from schemas.definition.values import KEY_LENGTH

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_CONDITION: Final = {"$ref": "#/$defs/Condition"}
_OPTIONAL_CONDITION: Final = {"anyOf": [_CONDITION, {"type": "null"}]}
_ANY_CONDITIONS: Final = {"anyOf": [_CONDITION, {"type": "array", "maxItems": 0}, {"type": "null"}]}

_AWAITED: Final = [{"type": "string", "minLength": 1, "maxLength": KEY_LENGTH}, {"$ref": "#/$defs/AwaitedEvent"}]

_WRITTEN_ELSEWHERE: Final = ("ConditionModel", "ConditionConfig", "TriggerModel", "StepModel", "AwaitedModel")


def workflow_schema(plug_ins: Mapping[str, StepKind] = MappingProxyType({})) -> dict[str, Any]:
    """A workflow, every step kind and trigger with its own `config`; the language's own, and those of plug-ins."""
    definitions: dict[str, Any] = {
        "Condition": {"anyOf": [_model(ConditionModel, {}), {"type": "array", "items": _CONDITION, "minItems": 1}]}
    }
    schema = _model(WorkflowModel, definitions)
    properties = schema["properties"]
    definitions["Trigger"] = _of_types(TriggerModel, TRIGGERS, definitions)
    definitions["AwaitedEvent"] = _of_types(AwaitedModel, AWAITED, definitions)
    definitions["Step"] = _model(StepModel, definitions) | {
        "allOf": [
            _given_type(_words(name), _model(kind.config, definitions), needed=_needs_config(kind.config))
            for name, kind in STEP_KINDS.items()
        ]
        + [_plug_in(name, kind.shape, definitions) for name, kind in plug_ins.items() if kind.shape]
    }
    definitions["Step"]["properties"]["type"] = {"enum": [*STEP_KINDS, *ALIASES, *plug_ins]}
    trigger = {"$ref": "#/$defs/Trigger"}
    properties["trigger"] = {"anyOf": [trigger, {"type": "null"}]}
    properties["triggers"]["anyOf"][0]["items"] = trigger
    properties["steps"]["items"] = {"$ref": "#/$defs/Step"}
    return _named("workflow", "A Headrace workflow", schema, definitions)


def template_schema() -> dict[str, Any]:
    """A template document."""
    definitions: dict[str, Any] = {}
    return _named("template", "A Headrace template", _model(TemplateModel, definitions), definitions)


def _of_types(
    model: type[TriggerModel], types: Mapping[str, type[Model]], definitions: dict[str, Any]
) -> dict[str, Any]:
    """What has a `type`, and the `config` of it."""
    schema = _model(model, definitions) | {
        "allOf": [
            _given_type([name], _model(filters, definitions), needed=_needs_config(filters))
            for name, filters in types.items()
        ]
    }
    schema["properties"]["type"] = {"enum": list(types)}
    return schema


def _named(name: str, title: str, schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": DIALECT, "$id": f"urn:headrace:schema:{name}:1", "title": title}
    return head | {key: value for key, value in schema.items() if key != "title"} | {"$defs": definitions}


def _model(model: type[Model], definitions: dict[str, Any]) -> dict[str, Any]:
    """A model's schema; what it refers to is put among the definitions. Its conditions are all `Condition`."""
    schema = model.model_json_schema(by_alias=True)
    inner = schema.pop("$defs", {})
    definitions.update({name: part for name, part in inner.items() if name not in _WRITTEN_ELSEWHERE})
    if "$ref" in schema:  # a model that refers to itself
        schema = inner[model.__name__]
    properties = schema.get("properties", {})
    if issubclass(model, ConditionModel):
        for group in ("all", "any", "not"):
            properties[group] = _OPTIONAL_CONDITION
    if issubclass(model, TriggerModel):
        properties["conditions"] = _ANY_CONDITIONS
    if model is WaitForEventConfig:
        several = {"type": "array", "items": {"anyOf": _AWAITED}, "minItems": 1, "maxItems": MAX_EVENTS}
        properties["event"] = {"anyOf": [*_AWAITED, several]}
    return {key: value for key, value in schema.items() if key != "title"}


def _given_type(words: list[str], config: dict[str, Any], *, needed: bool = False) -> dict[str, Any]:
    then: dict[str, Any] = {"properties": {"config": config if needed else {"anyOf": [config, {"type": "null"}]}}}
    if needed:
        then["required"] = ["config"]
    return {"if": {"properties": {"type": {"enum": words}}, "required": ["type"]}, "then": then}


def _plug_in(word: str, shape: ConfigSchema, definitions: dict[str, Any]) -> dict[str, Any]:
    schema, needed = shape.published()
    definitions |= needed
    return _given_type([word], schema, needed=bool(schema.get("required")))


def _words(name: str) -> list[str]:
    return [name, *(alias for alias, meant in ALIASES.items() if meant == name)]


def _needs_config(config: type[Model]) -> bool:
    return any(field.is_required() for field in config.model_fields.values())
