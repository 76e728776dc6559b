"""Published OpenAPI documents as validators: what a provider says that it takes and answers."""

import json
from pathlib import Path
from typing import Any

import jsonschema

RESOURCES = Path(__file__).parents[1] / "resources"


class Published:
    """One operation of an OpenAPI 3.0 document."""

    def __init__(self, file: str, path: str, method: str) -> None:
        self.document = json.loads((RESOURCES / file).read_text(encoding="utf-8"))
        self.operation = self.document["paths"][path][method]

    def answer(self, status: int) -> jsonschema.Draft202012Validator:
        """Of the JSON that this status has."""
        response = self._resolved(self.operation["responses"][str(status)])
        return self.validator(response["content"]["application/json"]["schema"])

    def body(self, content_type: str) -> jsonschema.Draft202012Validator:
        """Of a request."""
        return self.validator(self.operation["requestBody"]["content"][content_type]["schema"])

    def parameters(self) -> set[str]:
        """What may stand in the query."""
        return {one["name"] for one in self.operation["parameters"] if one["in"] == "query"}

    def properties(self, schema: dict[str, Any]) -> set[str]:
        """The fields that a schema names."""
        return set(self._resolved(schema)["properties"])

    def validator(self, schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(self._as_json_schema(schema))

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in schema:
            return schema
        found = self.document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def _as_json_schema(self, value: Any) -> Any:
        """References written out, and `nullable` as JSON Schema has it. (None of these documents refers to itself.)"""
        if isinstance(value, list):
            return [self._as_json_schema(item) for item in value]
        if not isinstance(value, dict):
            return value
        made = {key: self._as_json_schema(item) for key, item in self._resolved(value).items()}
        nullable = value.get("nullable") or made.pop("nullable", False)
        return {"anyOf": [made, {"type": "null"}]} if nullable is True else made
