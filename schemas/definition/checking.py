"""How models say what is wrong: pydantic's errors become diagnostics, each at its place in the text."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from domain.definition import Diagnostic
from schemas.definition.diagnostics import did_you_mean, finding
from schemas.definition.positions import Node, Path, Position, Scalar, locate

NOT_AVAILABLE: Final = frozenset({"exit_on", "goal"})
"""Keys of the language that this version does not run yet."""


class Model(BaseModel):
    """What every part of the language has in common: no unknown keys, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


M = TypeVar("M", bound=Model)


def wrong(code: str, message: str, hint: str = "", *, at: str | Path = (), line: int = 1) -> PydanticCustomError:
    """An error for a validator to raise; `at` is the key (or path) in question, `line` the line within a text."""
    path = (at,) if isinstance(at, str) else at
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint, "at": path, "line": line})


class Report:
    """Collects the findings about one document."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.diagnostics: list[Diagnostic] = []

    def add(self, code: str, path: Path, message: str, hint: str = "", *, key: bool = False, line: int = 1) -> None:
        """A finding at a path: at its value, or at its `key`; `line` counts within a text of several lines."""
        place = locate(self.root, path)
        at = place.key if key else place.value
        if isinstance(place.node, Scalar) and place.node.block and not key:
            at = Position(at.line + line, 1)  # a block's text begins on the line after its `|`
        self.diagnostics.append(finding(code, place.path, at, message, hint))

    def check(self, model: type[M], value: Any, path: Path, where: str) -> M | None:
        """The value as the model has it, or None after reporting why not. `where` names the place to a reader."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._add_detail(detail, model, path, where)
            return None

    def _add_detail(self, detail: ErrorDetails, model: type[Model], path: Path, where: str) -> None:
        loc = detail["loc"]
        context = detail.get("ctx") or {}
        if "message" in context:
            self.add(
                detail["type"], (*path, *loc, *context["at"]), context["message"], context["hint"], line=context["line"]
            )
            return
        if len(loc) > 1:
            where = f"'{next((part for part in reversed(loc[:-1]) if isinstance(part, str)), where)}' of {where}"
        kind = detail["type"]
        name = str(loc[-1]) if loc else where
        if kind == "extra_forbidden":
            self._unknown_key(name, _keys_at(model, loc[:-1]), (*path, *loc), where)
        elif kind == "missing":
            self.add(
                "missing_key", (*path, *loc), f"expected the key '{name}' in {where}, found none", f"add `{name}: ...`"
            )
        else:
            words = f"'{name}'" if isinstance(loc[-1] if loc else 0, str) else f"this item of {where}"
            code, message, hint = _explain(kind, words if loc else where, detail["input"], context)
            self.add(code, (*path, *loc), message, hint)

    def _unknown_key(self, name: str, known: Iterable[str], path: Path, where: str) -> None:
        if name in NOT_AVAILABLE:
            message = f"'{name}' is part of the language, but this version of Headrace can't run it yet"
            self.add("not_available", path, message, "leave it out for now", key=True)
        else:
            message = f"unknown key '{name}' in {where}"
            self.add("unknown_key", path, message, did_you_mean(name, known), key=True)


def _keys_at(model: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    """The keys that a (nested) model knows: follows field names into the models of their types."""
    for part in loc:
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        inner = _model_in(field.annotation) if field else None
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


# ---------------------------------------------------------------- words for pydantic's own errors

_TYPES: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}

_LIMITS: Final[dict[str, tuple[str, str]]] = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}

_LENGTHS: Final = {
    "string_too_short": ("empty", "some text", "min_length"),
    "too_short": ("empty", "at least one item", "min_length"),
    "string_too_long": ("too_long", "at most {} characters", "max_length"),
    "too_long": ("too_long", "at most {} items", "max_length"),
}


def _explain(kind: str, name: str, found: Any, context: dict[str, Any]) -> tuple[str, str, str]:
    """Code, message and hint."""
    if kind in _TYPES:
        return (
            "wrong_type",
            f"expected {_TYPES[kind]} for {name}, found {describe(found)}",
            _type_hint(_TYPES[kind], found),
        )
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return "out_of_range", f"expected {words} {context[key]:g} for {name}, found {describe(found)}", ""
    if kind in _LENGTHS:
        code, words, key = _LENGTHS[kind]
        size = "nothing" if not found else str(len(found))
        return code, f"expected {words.format(context[key])} for {name}, found {size}", ""
    return "bad_value", f"{name} can't be used: {context.get('error', kind)}", ""


def _type_hint(wanted: str, found: Any) -> str:
    if wanted == "text" and isinstance(found, int | float):
        return f'put it in quotes: "{str(found).lower()}"'
    if wanted in ("a number", "a whole number") and isinstance(found, str):
        return "write a plain number, without quotes, units or separators, as 10 or 0.5"
    if wanted == "a list" and not isinstance(found, list):
        return "write it as a list: each item on a line of its own, after '- '"
    return ""


def describe(value: Any) -> str:
    """A value in words, for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{value[:40]}'" if value else "an empty text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def one_of(code: str, noun: str, known: Callable[[], Iterable[str]]) -> Callable[[Any], str]:
    """A validator for a word of a fixed set; the set is asked for late, so that tables may be built from models."""

    def check(value: Any) -> str:
        words = list(known())
        if isinstance(value, str) and value in words:
            return value
        hint = did_you_mean(value, words) if isinstance(value, str) else f"it may be: {', '.join(words)}"
        raise wrong(code, f"expected {noun}, found {describe(value)}", hint)

    return check
