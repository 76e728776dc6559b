"""The shape that a plug-in gives its config: a JSON Schema or a pydantic model. What breaks it is told as of any other step."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from domain.action import InvalidAction, WorkflowAction
from domain.templates import has_tokens
from schemas.definition.checking import describe
from schemas.definition.diagnostics import did_you_mean
from schemas.definition.positions import Path

URN: Final = "urn:headrace:plug-in:{}"
_LOCAL: Final = "#/$defs/"


class Misfit(NamedTuple):
    """One thing that breaks the shape, as a finding has it; `path` begins at the config."""

    code: str
    path: Path
    message: str
    hint: str = ""
    key: bool = False
    """Whether it is the key that is wrong, and not its value."""


class ConfigSchema:
    """The shape of one plug-in's config."""

    def __init__(self, word: str, schema: Mapping[str, Any], model: type[BaseModel] | None) -> None:
        self._word, self._model = word, model
        from jsonschema import Draft202012Validator  # noqa: PLC0415 slow, and only plug-ins need it

        self._schema = dict(schema)
        self._validator = Draft202012Validator(self._schema)

    @classmethod
    def of(cls, action: WorkflowAction) -> "ConfigSchema | None":
        """What the action declares; None when its config is free.

        Raises:
            InvalidAction: it declares neither a JSON Schema of objects nor a pydantic model.
        """
        declared = action.config_schema
        if declared is None:
            return None
        from jsonschema import Draft202012Validator  # noqa: PLC0415 as above
        from jsonschema.exceptions import SchemaError  # noqa: PLC0415

        if isinstance(declared, type) and issubclass(declared, BaseModel):
            return cls(action.action_type, declared.model_json_schema(by_alias=True), declared)
        if not isinstance(declared, Mapping) or declared.get("type") != "object":
            message = f"expected config_schema to be a JSON Schema with `type: object`, or a pydantic model, found {declared!r:.80}"
            raise InvalidAction(message)
        try:
            Draft202012Validator.check_schema(declared)
        except SchemaError as error:
            raise InvalidAction(f"config_schema is no JSON Schema: {error.message} at {error.json_path}") from error
        return cls(action.action_type, declared, None)

    def misfits(self, config: dict[str, Any]) -> list[Misfit]:
        """All that breaks the shape. A text with Liquid in it is any text: what it comes to is not known yet."""
        if self._model is None:
            found = list(self._of_schema(self._validator.iter_errors(config)))
        else:
            found = list(self._of_model(config, self._model))
        return list(dict.fromkeys(found))  # each of several keys that are missing has an error of its own

    def published(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """For the language's own JSON Schema: the config's schema, and the definitions that it needs, by name."""
        schema = copy.deepcopy(self._schema)
        schema.pop("$schema", None)
        if not all(reference.startswith(_LOCAL) for reference in _references(schema)):
            return {
                "$id": URN.format(self._word)
            } | schema, {}  # a document of its own: its references stay as they are
        definitions = schema.pop("$defs", {})
        _rename(schema, self._word)
        _rename(definitions, self._word)
        return schema, {f"{self._word}.{name}": part for name, part in definitions.items()}

    def _of_schema(self, errors: Iterable[Any]) -> Iterator[Misfit]:
        from jsonschema.exceptions import best_match  # noqa: PLC0415 as above

        for error in errors:
            worst = best_match([error]) or error  # within anyOf and the like: what comes nearest
            path: Path = tuple(worst.absolute_path)
            match worst.validator:
                case "required":
                    for name in worst.validator_value:
                        if name not in worst.instance:
                            yield self._missing((*path, name))
                case "additionalProperties" if isinstance(worst.instance, dict):
                    known = list(worst.schema.get("properties", {}))
                    for name in sorted(set(worst.instance) - set(known)):
                        yield self._unknown((*path, name), known)
                case "type":
                    wanted = worst.validator_value if isinstance(worst.validator_value, str) else "another type"
                    yield _wrong_type(path, wanted, worst.instance, self._word)
                case _ if not _is_liquid(worst.instance):
                    code = _CODES.get(str(worst.validator), "bad_value")
                    yield Misfit(code, path, f"{_name(path, self._word)} can't be used: {worst.message}")

    def _of_model(self, config: dict[str, Any], model: type[BaseModel]) -> Iterator[Misfit]:
        try:
            model.model_validate(config)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                yield from self._of_detail(dict(detail))

    def _of_detail(self, detail: dict[str, Any]) -> Iterator[Misfit]:
        kind, path, found = detail["type"], _without_tags(detail["loc"]), detail["input"]
        if kind == "missing":
            yield self._missing(path)
        elif kind == "extra_forbidden":
            known = list(self._schema.get("properties", {})) if len(path) == 1 else []
            yield self._unknown(path, known)
        elif kind.endswith(("_type", "_parsing", "_from_float")) and kind.split("_")[0] in _PYDANTIC_TYPES:
            yield _wrong_type(path, _PYDANTIC_TYPES[kind.split("_")[0]], found, self._word)
        elif not _is_liquid(found):
            code = _CODES.get(kind, "bad_value")
            words = str(detail["msg"])
            yield Misfit(code, path, f"{_name(path, self._word)} can't be used: {words[:1].lower()}{words[1:]}")

    def _missing(self, path: Path) -> Misfit:
        message = f"expected the key '{path[-1]}' in {_name(path[:-1], self._word)}, found none"
        return Misfit("missing_key", path, message, f"add `{path[-1]}: ...`")

    def _unknown(self, path: Path, known: Iterable[str]) -> Misfit:
        message = f"unknown key '{path[-1]}' in {_name(path[:-1], self._word)}"
        return Misfit("unknown_key", path, message, did_you_mean(str(path[-1]), known), key=True)


_CODES: Final = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "out_of_range"),
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), "out_of_range"),
    **dict.fromkeys(("minLength", "minItems", "string_too_short", "too_short"), "empty"),
    **dict.fromkeys(("maxLength", "maxItems", "string_too_long", "too_long"), "too_long"),
}
_PYDANTIC_TYPES: Final = {
    "string": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "model": "object",
}
_WORDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def _wrong_type(path: Path, wanted: str, found: Any, word: str) -> Misfit:
    expected = _WORDS.get(wanted, wanted)
    hint = f'put it in quotes: "{str(found).lower()}"' if wanted == "string" and isinstance(found, int | float) else ""
    return Misfit("wrong_type", path, f"expected {expected} for {_name(path, word)}, found {describe(found)}", hint)


def _name(path: Path, word: str) -> str:
    return next((f"'{part}'" for part in reversed(path) if isinstance(part, str)), f"the config of {word}")


def _is_liquid(value: Any) -> bool:
    return isinstance(value, str) and has_tokens(value)


def _without_tags(loc: tuple[str | int, ...]) -> Path:
    """Pydantic puts names of a union's members among the keys, as `function-after[...]` and `list[str]`."""
    return tuple(part for part in loc if not (isinstance(part, str) and ("[" in part or part in _TAGS)))


_TAGS: Final = frozenset({"str", "int", "float", "bool", "constrained-str", "constrained-int", "constrained-float"})


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _rename(schema: Any, word: str) -> None:
    """Let references to definitions lead to where `published` puts these."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            schema["$ref"] = _LOCAL + f"{word}." + schema["$ref"].removeprefix(_LOCAL)
        for value in schema.values():
            _rename(value, word)
    elif isinstance(schema, list):
        for value in schema:
            _rename(value, word)
