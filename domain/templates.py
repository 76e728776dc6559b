"""Templates: texts in Liquid, compiled once. Plain names need no Liquid to be rendered and take a microsecond."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

import msgspec
from liquid.exceptions import LiquidError

from domain import liquid
from domain.errors import HeadraceError, StepError
from domain.fields import CONTACT_FIELDS, NAMESPACES, Reader, Scope, compile_names
from domain.values import printed

MAX_TAGS: Final = 500
MAX_TAG_LENGTH: Final = 2_000
_KNOWN_NAMES: Final = (*CONTACT_FIELDS, *NAMESPACES)
SECRETS: Final = "secrets"
"""The first name of a reference to a secret."""
_SECRET_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_OPENING = re.compile(r"\{[{%]")
_CLOSING: Final = {"{{": "}}", "{%": "%}"}

Render = Callable[[Scope], str]


class TemplateError(HeadraceError):
    """A text is no template; `line` is where, from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Template(msgspec.Struct, frozen=True, eq=False):
    """A compiled template. Two templates of the same source are equal."""

    source: str
    is_plain: bool
    """True when it is rendered without Liquid: it has only text and plain names in it."""
    unknown_names: tuple[str, ...]
    """First names that are no field of every contact and no namespace; they may be custom fields, or misspelt."""
    text: Render
    secrets: tuple[str, ...] = ()
    """Names of the secrets that it refers to; their references stay in the rendered text."""
    places: Callable[[Scope], tuple[tuple[int, str], ...]] = lambda _: ()
    """Where in the rendered text each reference begins, and to which secret it refers."""

    def secret_places(self, scope: Scope) -> tuple[tuple[int, str], ...]:
        """Where in the text for a scope each reference to a secret begins, and to which one."""
        return self.places(scope) if self.secrets else ()

    def render(self, scope: Scope) -> str:
        """The text for a scope.

        Raises:
            StepError: `template_error`: the text grew too long, or a filter can't work with what it was given.
        """
        try:
            return self.text(scope)
        except Exception as error:  # filters raise whatever their operands make them raise
            where = f" (line {_line(error, self.source)})" if isinstance(error, LiquidError) else ""
            message = f"the template can't be rendered: {_reason(error)}{where}"
            raise StepError("template_error", message) from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)


@lru_cache(maxsize=4_096)
def compile_template(source: str) -> Template:
    """The template of a text.

    Raises:
        TemplateError: it is no Liquid, uses a filter or a tag that is not known, or is too big.
    """
    if not has_tokens(source):
        _check_length(source)
        return Template(source=source, is_plain=True, unknown_names=(), text=lambda _: source)
    _check_size(source)
    try:
        parsed = liquid.parse(source)
        parts = liquid.plain_parts(parsed)
        names = liquid.root_names(parsed)
    except LiquidError as error:
        raise TemplateError(_reason(error), _line(error, source)) from error
    except RecursionError as error:
        message = "it is nested too deeply"
        raise TemplateError(message, 1) from error
    unknown_names = tuple(name for name in names if name not in _KNOWN_NAMES)
    if SECRETS in names:
        return _with_secrets(source, unknown_names, parts)
    return Template(
        source=source,
        is_plain=parts is not None,
        unknown_names=unknown_names,
        text=_joined(parts) if parts is not None else lambda scope: liquid.render(parsed, scope),
    )


def has_tokens(text: str) -> bool:
    """Whether there is anything to render in the text."""
    return "{{" in text or "{%" in text


def unknown_name_hint(name: str) -> str:
    """What to tell the author of a template about one of its `unknown_names`."""
    close = get_close_matches(name, _KNOWN_NAMES, n=1, cutoff=0.75)
    meant = f"did you mean `{close[0]}`? " if close else ""
    return f"{meant}A custom field is written `custom_fields.{name}`"


def map_templates(value: Any) -> Any:
    """A nested structure with every text that has something to render compiled; keys and all else stay.

    Raises:
        TemplateError: one of the texts is no template.
    """
    if isinstance(value, str):
        return compile_template(value) if has_tokens(value) else value
    if isinstance(value, dict):
        return {key: map_templates(item) for key, item in value.items()}
    return [map_templates(item) for item in value] if isinstance(value, list | tuple) else value


def render_value(value: Any, scope: Scope) -> Any:
    """What `map_templates` made, rendered: every template is its text, all else is itself.

    Raises:
        StepError: `template_error`, from any of the templates.
    """
    if isinstance(value, Template):
        return value.render(scope)
    if isinstance(value, dict):
        return {key: render_value(item, scope) for key, item in value.items()}
    return [render_value(item, scope) for item in value] if isinstance(value, list) else value


def _with_secrets(source: str, unknown_names: tuple[str, ...], parts: list[liquid.Part] | None) -> Template:
    """A template that refers to secrets: of plain names only, so that nothing but a reference can pass for one."""
    names = [_secret_name(part) for part in parts or ()]
    if parts is None or "" in names:
        message = "a secret stands as `{{ secrets.NAME }}`, in a text without filters and tags"
        raise TemplateError(message, source.count("\n", 0, max(0, source.find(SECRETS))) + 1)
    pieces = [
        secret_reference(name) if name else part if isinstance(part, str) else compile_names(part)
        for name, part in zip(names, parts, strict=True)
    ]

    def places(scope: Scope) -> tuple[tuple[int, str], ...]:
        at, found = 0, []
        for name, piece in zip(names, pieces, strict=True):
            if name:
                found.append((at, name))
            at += len(piece if isinstance(piece, str) else _print(piece, scope))
        return tuple(found)

    secrets = tuple(dict.fromkeys(name for name in names if name))
    text = _joined_pieces(pieces)
    return Template(
        source=source, is_plain=True, unknown_names=unknown_names, text=text, secrets=secrets, places=places
    )


def secret_reference(name: str) -> str:
    """How a reference to a secret is written."""
    return f"{{{{ {SECRETS}.{name} }}}}"


def _secret_name(part: liquid.Part) -> str | None:
    """The secret that a part refers to, None if it is something else; empty if it is a reference gone wrong."""
    if isinstance(part, str) or part[0] != SECRETS:
        return None
    _, *names = part
    return names[0] if len(names) == 1 and isinstance(names[0], str) and _SECRET_NAME.fullmatch(names[0]) else ""


def _joined(parts: list[liquid.Part]) -> Render:
    """The fast path: text and readers, joined."""
    return _joined_pieces([part if isinstance(part, str) else compile_names(part) for part in parts])


def _joined_pieces(pieces: list[str | Reader]) -> Render:

    def text(scope: Scope) -> str:
        return _short("".join([piece if type(piece) is str else _print(piece, scope) for piece in pieces]))

    return text


def _print(read: Reader | str, scope: Scope) -> str:
    value = read(scope)  # type: ignore[operator]  # the caller has sorted the texts out
    return value if type(value) is str else printed(value)


def _short(text: str) -> str:
    if len(text) > liquid.MAX_OUTPUT_BYTES // 4 and liquid.byte_length(text) > liquid.MAX_OUTPUT_BYTES:
        message = f"its text is longer than {liquid.MAX_OUTPUT_BYTES:,} bytes"
        raise ValueError(message)
    return text


def _check_size(source: str) -> None:
    """Python-liquid's lexer backtracks: its time grows with the square, or worse, of what stands between braces."""
    _check_length(source)
    openings = list(_OPENING.finditer(source))
    if len(openings) > MAX_TAGS:
        message = f"expected at most {MAX_TAGS:,} tags and tokens in a template, found {len(openings):,}"
        raise TemplateError(message, 1)
    for opening in openings:
        closing, start = _CLOSING[opening[0]], opening.end()
        if source.find(closing, start, start + MAX_TAG_LENGTH) < 0:
            message = f"expected `{closing}` within {MAX_TAG_LENGTH:,} characters after `{opening[0]}`"
            raise TemplateError(message, source.count("\n", 0, start) + 1)


def _check_length(source: str) -> None:
    if liquid.byte_length(source) > liquid.MAX_OUTPUT_BYTES:
        message = f"expected a text of at most {liquid.MAX_OUTPUT_BYTES:,} bytes"
        raise TemplateError(message, 1)


def _line(error: LiquidError, source: str) -> int:
    """Where it is; python-liquid gives the end of the source as a negative index."""
    if error.token is None:
        return 1
    at = error.token.start_index
    return source.count("\n", 0, at if at >= 0 else None) + 1


def _reason(error: BaseException) -> str:
    return str(error.message or type(error).__name__) if isinstance(error, LiquidError) else str(error)
