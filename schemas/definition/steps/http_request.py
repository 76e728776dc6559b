"""Step kind `http_request` (alias `webhook`): its `config`."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from domain.steps.http_request import HttpRequest
from domain.templates import Template, compile_template, map_templates
from schemas.definition.checking import describe, one_of, wrong
from schemas.definition.positions import Path
from schemas.definition.steps.kind import Config, StepKind, Templates, leaves
from schemas.definition.values import RequestText, ScalarText, Span, Text, request_liquid

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 1, 60

_URL = re.compile(r"(?:https?://|\{\{|\{%)\S", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token
_OUTPUT_NAME = re.compile(r"\w+")
_STATUSES: Final = re.compile(r"[1-5]xx|[1-5]\d\d(?:-[1-5]\d\d)?")
_ONE_SECRET: Final = re.compile(r"\{\{-?\s*secrets\.\w+\s*-?\}\}", re.ASCII)
_STATUS: Final = {
    "anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": f"^(?:{_STATUSES.pattern})$"},
    ]
}
_BODIES: Final = ("json", "form", "body")


def _url(url: str) -> str:
    if not _URL.match(url):
        message = f"expected a URL that begins with https:// or http://, found {describe(url)}"
        raise wrong("bad_value", message)
    return url


def _header_names(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            message = f"expected the name of an HTTP header, found {describe(name)}"
            raise wrong("bad_key", message, "header names have letters, digits and '-'", at=name)
        if any(ord(character) < ord(" ") for character in value):
            message = f"expected the header '{name}' in one line, found a line end or a control character"
            raise wrong("bad_value", message, at=name)
    return headers


def _save(save: dict[str, str]) -> dict[str, str]:
    for name in save:
        if not _OUTPUT_NAME.fullmatch(name):
            message = f"expected a name for the output, found {describe(name)}"
            raise wrong("bad_key", message, "such names have letters, digits and '_'", at=name)
    return save


def _statuses(value: Any) -> Any:
    return [value] if isinstance(value, int | str) and not isinstance(value, bool) else value


def _status(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool)
    if not _STATUSES.fullmatch(str(value) if number or isinstance(value, str) else ""):
        message = f"expected a status, a class or a range of them, found {describe(value)}"
        code = "out_of_range" if number else "bad_value" if isinstance(value, str) else "wrong_type"
        raise wrong(code, message, "as 204, 2xx or 200-299")
    return value


def _sign(text: str) -> str:
    if not _ONE_SECRET.fullmatch(text.strip()):
        message = f"expected a reference to the secret that signs the request, found {describe(text)}"
        raise wrong("bad_value", message, 'as sign: "{{ secrets.NAME }}"')
    return text.strip()


def _timeout(seconds: float) -> float:
    if not MIN_TIMEOUT_S <= seconds <= MAX_TIMEOUT_S:
        message = f"expected a timeout of {MIN_TIMEOUT_S} to {MAX_TIMEOUT_S} seconds, found {seconds:g}"
        raise wrong("out_of_range", message)
    return seconds


def _nested(value: Any) -> Any:
    for path, text in leaves(value, ()):
        try:
            request_liquid(text)
        except PydanticCustomError as error:
            found = error.context or {}
            raise wrong("bad_liquid", found["message"], found["hint"], at=path, line=found["line"]) from None
    return value


_Status = Annotated[Any, AfterValidator(_status)]
_Statuses = Annotated[
    list[_Status],
    BeforeValidator(_statuses),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "array", "items": _STATUS, "minItems": 1}, _STATUS]}),
]


class HttpRequestConfig(Config):
    """The request, and what to keep of the answer. At most one of `json`, `form` and `body`."""

    RENDERED: ClassVar = ("url", "body", "sign")

    url: Annotated[RequestText, AfterValidator(_url)]
    method: Annotated[
        str,
        BeforeValidator(one_of("bad_value", "an HTTP method", lambda: METHODS)),
        WithJsonSchema({"enum": list(METHODS)}),
    ] = "POST"
    headers: Annotated[dict[str, ScalarText], AfterValidator(_header_names)] | None = None
    query: dict[str, ScalarText] | None = None
    json_: Annotated[Any, AfterValidator(_nested)] = Field(None, alias="json")
    form: dict[str, ScalarText] | None = None
    body: RequestText | None = None
    timeout: Annotated[Span, AfterValidator(_timeout)] | None = None
    sign: Annotated[RequestText, AfterValidator(_sign)] | None = None
    """The key that signs the request as standard-webhooks.com has it; of the configuration, never of the contact."""
    success: _Statuses | None = None
    save: Annotated[dict[str, Text], AfterValidator(_save)] | None = None

    @model_validator(mode="after")
    def _one_body(self) -> "HttpRequestConfig":
        given = [name for name in _BODIES if getattr(self, "json_" if name == "json" else name) is not None]
        if len(given) > 1:
            message = f"expected one of `json`, `form` and `body`, found {' and '.join(given)}"
            raise wrong("conflicting_keys", message, "keep the one that is meant", at=given[1])
        return self

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Every text that is rendered, also those inside of `json` and the like."""
        yield from super().texts()
        for name, value in (
            ("headers", self.headers),
            ("query", self.query),
            ("json", self.json_),
            ("form", self.form),
        ):
            yield from leaves(value, (name,))


def _compile(config: HttpRequestConfig, _: Templates) -> HttpRequest:
    return HttpRequest(
        url=compile_template(config.url),
        method=config.method,
        headers=_templates(config.headers or {}),
        query=_templates(config.query or {}),
        json=map_templates(config.json_),
        form=None if config.form is None else _templates(config.form),
        body=None if config.body is None else compile_template(config.body),
        timeout_ms=10_000 if config.timeout is None else round(config.timeout * 1000),
        sign=None if config.sign is None else compile_template(config.sign),
        success=None if config.success is None else tuple(config.success),
        save=config.save,
    )


def _templates(texts: dict[str, str]) -> dict[str, Template]:
    return {name: compile_template(text) for name, text in texts.items()}


KIND = StepKind("http_request", HttpRequestConfig, _compile)
