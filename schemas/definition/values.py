"""The kinds of values that the language's keys take, each with its check and its words."""

import re
from math import isfinite
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from domain.templates import TemplateError, compile_template
from schemas.definition.checking import describe, one_of, wrong
from schemas.definition.positions import Path

NAME_LENGTH: Final = 200
ID_LENGTH: Final = 100
TEXT_LENGTH: Final = 100_000
KEY_LENGTH: Final = 128

_ID = re.compile(r"\w(?:[\w -]*[\w-])?")
_SPAN = re.compile(r"(?P<count>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>ms|s|m|h|d)")
_SPAN_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}

UNIT_SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}
"""The units of `delay`; a day is 86,400 seconds."""


def liquid(text: str, *, at: Path = ()) -> str:
    """The text itself, when it is good Liquid for a contact or for the engine: without secrets. `at` is where it stands."""
    for name in secrets_of(text):
        hint = "secrets go into the requests of http_request and of plug-ins, and nowhere else"
        raise wrong("bad_secret", f"the secret '{name}' can't stand here", hint, at=at, line=line_of(name, text))
    return text


def request_liquid(text: str) -> str:
    """The text itself, when it is good Liquid for a request: with or without secrets."""
    secrets_of(text)
    return text


def line_of(name: str, text: str) -> int:
    """The line of a text where a name first stands."""
    return text.count("\n", 0, max(0, text.find(name))) + 1


def secrets_of(text: str) -> tuple[str, ...]:
    """The names of the secrets that a text refers to; raises when it is no Liquid."""
    try:
        return compile_template(text).secrets
    except TemplateError as error:
        line = getattr(error, "line", None) or 1
        hint = "check that every {{ has its }} and every {% if %} its {% endif %}"
        raise wrong("bad_liquid", f"the text breaks the rules of Liquid: {error}", hint, line=line) from None


def _name(text: str) -> str:
    if not text.strip():
        message = "expected some text, found only spaces"
        raise wrong("empty", message)
    return text


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        hint = "an id has letters, digits, '_', '-' and inner spaces, as send_welcome_sms"
        raise wrong("bad_value", f"expected an id, found {describe(text)}", hint)
    return text


def span_seconds(value: Any) -> float:
    """Seconds of a number, or of text such as `30s`, `5m`, `1h`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        hint = "write a number of seconds, or text as 30s, 5m, 1h, 2d"
        raise wrong(
            "wrong_type" if not isinstance(value, str) else "bad_value",
            f"expected a span of time, found {describe(value)}",
            hint,
        )
    return float(match["count"]) * _SPAN_SECONDS[match["unit"]]


def _scalar(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    message = f"expected text, a number or a boolean, found {describe(value)}"
    raise wrong("wrong_type", message, "a list or a mapping can't stand here")


def _scalar_text(value: Any) -> str:
    """Text; a number or a boolean as JSON writes it."""
    scalar = _scalar(value)
    return request_liquid(scalar if isinstance(scalar, str) else str(scalar).lower())


_SCALAR_SCHEMA = WithJsonSchema({"type": ["string", "number", "boolean"]})

Text = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH)]
"""Some text that is taken as it is."""

LiquidText = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH), AfterValidator(liquid)]
"""Some text that is rendered for each contact."""

RequestText = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH), AfterValidator(request_liquid)]
"""Some text of a request, rendered for each contact; secrets may stand in it."""

Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(_name)]
"""A label for people."""

Key = Annotated[str, Field(min_length=1, max_length=KEY_LENGTH), AfterValidator(_name)]
"""A tag, the name of a field, of an event or of a template."""

StepId = Annotated[str, Field(min_length=1, max_length=ID_LENGTH), AfterValidator(_id)]
"""What a step is called by `next` and branches."""

Scalar = Annotated[Any, BeforeValidator(_scalar), _SCALAR_SCHEMA]
"""Text, a number or a boolean."""

ScalarText = Annotated[str, BeforeValidator(_scalar_text), _SCALAR_SCHEMA]
"""Text of a request; a number or a boolean stands for its text."""

_SPAN_SCHEMA: Final = {
    "type": "string",
    "pattern": f"^(?:{_SPAN.pattern.replace('?P<count>', '').replace('?P<unit>', '')})$",
}

_SPAN_SCHEMAS: Final = [{"type": "number", "minimum": 0}, _SPAN_SCHEMA]

Span = Annotated[float, BeforeValidator(span_seconds), WithJsonSchema({"anyOf": _SPAN_SCHEMAS})]
"""A span of time in seconds."""


def or_span(schema: dict[str, Any]) -> None:
    """Add to a JSON Schema of several kinds of values those that are a span."""
    schema["anyOf"][:0] = _SPAN_SCHEMAS


Unit = Annotated[
    str,
    BeforeValidator(one_of("bad_value", "a unit", lambda: UNIT_SECONDS)),
    WithJsonSchema({"enum": list(UNIT_SECONDS)}),
]
