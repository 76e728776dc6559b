"""The OpenAPI 3.1 document, made of the route table and the pydantic models: it can't tell other than what is done."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.requests import JSON_TYPES
from api.route import Route
from api.upload import UPLOAD_TYPES
from api.version import engine_version
from schemas.api_resources import DefinitionProblem, Problem
from schemas.definition import Kind
from schemas.json_schema import template_schema, workflow_schema

_REF: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = (
    "Headrace runs workflows over contacts. A write waits until the read side shows its result, so that its caller "
    "reads its own writes; when that takes too long, or with `Prefer: respond-async`, it answers 202 and the "
    "`Location` to ask at. Every error is a problem (RFC 9457). Lists come in pages: hand `next_cursor` back as `cursor`."
)
_PATH_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "contact_id": {"type": "string", "minLength": 1, "maxLength": 128},
    "name": {"type": "string", "minLength": 1, "maxLength": 200},
    "version": {"type": "integer", "minimum": 1},
}
_UPLOADS: Final[Mapping[Kind, str]] = {"workflow": "WorkflowDefinition", "template": "TemplateDefinition"}
_WRITE_HEADERS: Final = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "The same request with the same key is done once and answered alike.",
    },
    {
        "name": "Prefer",
        "in": "header",
        "schema": {"type": "string"},
        "description": "`respond-async`: answer 202 at once.",
    },
)


def openapi_document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document as JSON values."""
    references, components = models_json_schema(_models(routes), ref_template=_REF)
    schemas = {model: reference for (model, _), reference in references.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headrace", "version": engine_version(), "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": components["$defs"] | _definitions()},
    }


def openapi_json(routes: Sequence[Route]) -> bytes:
    """The document as text."""
    return msgspec.json.format(msgspec.json.encode(openapi_document(routes)), indent=1)


def _models(routes: Iterable[Route]) -> list[tuple[type[BaseModel], Literal["validation", "serialization"]]]:
    models: dict[type[BaseModel], Literal["validation", "serialization"]] = {}
    for route in routes:
        if route.body is not None:
            models[route.body] = "validation"
        models |= {model: "serialization" for model in route.answers.values() if not isinstance(model, tuple)}
    models |= {Problem: "serialization", DefinitionProblem: "serialization"}
    return sorted(models.items(), key=lambda item: item[0].__name__)


def _definitions() -> dict[str, Any]:
    """The schemas of workflows and templates, their parts as components of their own, as the tools expect them."""
    schemas: dict[str, Any] = {}
    for name, schema in ((_UPLOADS["workflow"], workflow_schema()), (_UPLOADS["template"], template_schema())):
        text = msgspec.json.encode(schema).replace(b'"#/$defs/', b'"#/components/schemas/Definition.')
        moved = msgspec.json.decode(text)
        schemas |= {f"Definition.{part}": found for part, found in moved.pop("$defs").items()}
        schemas[name] = {key: value for key, value in moved.items() if key not in ("$schema", "$id")}
    template = schemas[_UPLOADS["template"]]
    template["required"] = [name for name in template["required"] if name != "kind"]  # the route says it
    return schemas


def _operation(route: Route, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *(_WRITE_HEADERS if route.waits else ())],
        "responses": _responses(route, schemas),
    }
    if route.body is not None:
        operation["requestBody"] = _content(JSON_TYPES, schemas[route.body]) | {"required": not route.body_optional}
    elif route.takes_payload:
        operation["requestBody"] = _content(("application/x-www-form-urlencoded", "application/json"), {})
    elif route.upload_kind is not None:
        schema = {"$ref": _REF.format(model=_UPLOADS[route.upload_kind])}
        operation["requestBody"] = _content(UPLOAD_TYPES, schema) | {"required": True}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _PATH_PARAMETERS.get(name, {"type": "string", "format": "uuid"}),
        }
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    properties = route.query.model_json_schema().get("properties", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description", ""),
            "schema": schema,
        }
        for name, schema in properties.items()
    ]


def _responses(route: Route, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in route.answers.items():
        content: dict[str, Any] = (
            {}
            if model == ()
            else _content(model, {})
            if isinstance(model, tuple)
            else _content(JSON_TYPES, schemas[model])
        )
        responses[str(status)] = {"description": HTTPStatus(status).phrase} | content
        if status == HTTPStatus.ACCEPTED:
            responses[str(status)]["headers"] = {"Location": {"schema": {"type": "string"}}}
    if route.takes_upload:
        responses["422"] = {"description": "The definition can't be read."} | _problem(schemas[DefinitionProblem])
    responses["default"] = {"description": "The request was not done."} | _problem(schemas[Problem])
    return responses


def _content(types: Iterable[str], schema: Any) -> dict[str, Any]:
    return {"content": {name: {"schema": schema} for name in types}}


def _problem(schema: Any) -> dict[str, Any]:
    return _content(("application/problem+json",), schema)
