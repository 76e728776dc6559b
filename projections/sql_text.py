"""How values are written as Postgres text: for COPY, and for the arrays of a multi-row statement.

Made by hand, and a column at a time, because a batch holds many thousands of values: a driver's adaptation of
each, or even a Python function called for each, would cost more than all else that the projector does.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

ToTexts = Callable[[Sequence[Any]], list[str]]

_encode_json: Final = msgspec.json.Encoder().encode
_encode_lines: Final = msgspec.json.Encoder().encode_lines
_LAST_MS: Final = 253_402_300_799_999
_NUL: Final = "\x00"
_NUL_SHOWN: Final = "\ufffd"
"""Postgres keeps no NUL character; the read side shows this one in its place."""
_CHANGED_BY_STORING: Final = re.compile(rb"\\u0000|\de|-0\.0")
"""A NUL, or what may be a number with an exponent, or a zero with a sign."""
_COPY_NULL: Final = r"\N"
_COPY_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


@lru_cache(maxsize=4_096)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


@lru_cache(maxsize=16_384)
def time_text(at_ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds; a time after the year 9999 is shown as that year's end."""
    second, ms = divmod(min(at_ms, _LAST_MS), 1000)
    return f"{_second_text(second)}.{ms:03d}Z"


def as_stored(value: Any) -> Any:
    """JSON data as `jsonb` will give it back, so that a fold finds the same whether it was loaded or is new."""
    return _as_stored(value) if _CHANGED_BY_STORING.search(_encode_json(value)) else value


def _as_stored(value: Any) -> Any:
    match value:
        case str():
            return value.replace(_NUL, _NUL_SHOWN)
        case float() if value.is_integer() and "e" in repr(value):
            return int(Decimal(repr(value)))  # 1e16 is kept as 10000000000000000
        case float():
            return value + 0.0  # -0.0 is kept as 0.0
        case dict():
            return {_as_stored(name): _as_stored(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_as_stored(inner) for inner in value]
        case _:
            return value


def text_as_stored(value: Any) -> str | None:
    """What a column of text gives back."""
    return None if value is None else _plain_texts([value])[0]


def jsonb_text(value: Any) -> str:
    """JSON data in the words of `jsonb`: names by their length, numbers in digits, a space after each comma and colon."""
    text = _JSONB[type(value)](value)
    return _JSONB[type(value)](as_stored(value)) if r"\u0000" in text else text


def _jsonb_scalar(value: Any) -> str:
    return _encode_json(value).decode()


def _jsonb_float(value: float) -> str:
    text = _jsonb_scalar(value + 0.0)  # -0.0 is kept as 0.0
    return format(Decimal(text), "f") if "e" in text else text


def _jsonb_list(values: Sequence[Any]) -> str:
    return f"[{', '.join([_JSONB[type(value)](value) for value in values])}]"


def _jsonb_dict(values: dict[str, Any]) -> str:
    names = sorted(values, key=_by_length) if len(values) > 1 else values
    pairs = [f"{_jsonb_scalar(name)}: {_JSONB[type(values[name])](values[name])}" for name in names]
    return f"{{{', '.join(pairs)}}}"


def _by_length(name: str) -> tuple[int, bytes]:
    encoded = name.encode()
    return len(encoded), encoded


_JSONB: Final[dict[type, Callable[[Any], str]]] = {
    type(None): _jsonb_scalar,
    bool: _jsonb_scalar,
    int: str,
    float: _jsonb_float,
    str: _jsonb_scalar,
    list: _jsonb_list,
    tuple: _jsonb_list,
    dict: _jsonb_dict,
}


def array_text(values: Iterable[str | None]) -> str:
    """An array literal of values that are text already."""
    return "{" + ",".join([_quoted(value) for value in values]) + "}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if '"' in value:
        value = value.replace('"', '\\"')
    return f'"{value}"'


def column_texts(column: sa.Column[Any], values: Sequence[Any]) -> list[str | None]:
    """The values of a column as text, None for NULL."""
    to_texts = _to_texts(column.type)
    if not column.nullable:
        return list(to_texts(values))
    texts = iter(to_texts([value for value in values if value is not None]))
    return [None if value is None else next(texts) for value in values]


def copy_fields(column: sa.Column[Any], values: Sequence[Any]) -> list[str]:
    """The values of a column as fields of COPY's text format."""
    texts = column_texts(column, values)
    whole = "".join([text for text in texts if text])
    if not whole.isprintable() or "\\" in whole:  # seldom, and one look at the whole is cheaper than many
        return [_COPY_NULL if text is None else text.translate(_COPY_ESCAPES) for text in texts]
    return [_COPY_NULL if text is None else text for text in texts]


@cache
def _to_texts(type_: sa.types.TypeEngine[Any]) -> ToTexts:  # noqa: PLR0911 a table of types
    match type_:
        case UUID():
            return list
        case JSONB():
            return _json_texts
        case ARRAY():
            return lambda values: [array_text(_plain_texts(value)) for value in values]
        case sa.Boolean():
            return lambda values: ["t" if value else "f" for value in values]
        case sa.Integer():
            return lambda values: [str(value) for value in values]
        case sa.DateTime():
            return lambda values: [time_text(value) for value in values]
        case sa.LargeBinary():
            return lambda values: ["\\x" + value.hex() for value in values]
        case sa.Text():
            return _plain_texts
        case sa.String(length=length):
            return lambda values: [text[:length] for text in _plain_texts(values)]
        case _:
            message = f"no way to write a column of type {type_!r}"
            raise TypeError(message)


def _json_texts(values: Sequence[Any]) -> list[str]:
    text = _encode_lines(values).decode()
    if r"\u0000" in text:
        text = _encode_lines([as_stored(msgspec.to_builtins(value)) for value in values]).decode()
    return text.split("\n")[:-1]


def _plain_texts(values: Sequence[Any]) -> list[str]:
    texts = [value if isinstance(value, str) else _as_text(value) for value in values]
    if _NUL in "".join(texts):
        return [text.replace(_NUL, _NUL_SHOWN) for text in texts]
    return texts


def _as_text(value: Any) -> str:
    assert value is not None, "a column that is not nullable was given no value"
    return str(value)
