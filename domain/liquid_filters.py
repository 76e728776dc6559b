"""Liquid's filters: bounded in what they take and give, `date` without a clock, and `json`."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import msgspec
from liquid import Environment
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError, ResourceLimitError
from liquid.filter import with_context
from liquid.undefined import is_undefined

from domain.liquid_dates import date_text
from domain.values import printed

MAX_ITEMS: Final = 2_000
MAX_TEXT_LENGTH: Final = 100 * 1_024
MAX_INTEGER_BITS: Final = 4_096
MAX_WORK: Final = 1_000_000
"""What the filters of one rendering may go through: characters, and `_ITEM_WORK` for each item of a list."""
_ITEM_WORK = 20

Filter = Callable[..., Any]


def add_filters(environment: Environment) -> None:
    """Fence the environment's own filters in and add ours."""
    del environment.filters["safe"]  # there is no escaping that it could switch off
    environment.filters.update({"date": _date, "json": _json, "join": _join, "replace": _replace})
    for name, function in environment.filters.items():
        environment.filters[name] = _bounded(function)


def _bounded(function: Filter) -> Filter:
    """The filter with all that goes in and comes out limited, so that no chain of filters can explode."""
    wants_context = getattr(function, "with_context", False)

    @with_context  # type: ignore[untyped-decorator]  # the package is not followed by mypy
    @wraps(function)
    def bounded(*given: Any, context: RenderContext, **named: Any) -> Any:
        context.work += sum(map(_work, given))
        if context.work > MAX_WORK:
            _refuse("more, over all, than a template may")
        result = function(*given, **named, **({"context": context} if wants_context else {}))
        _work(result)
        return result

    return bounded  # type: ignore[no-any-return]  # the decorators are not followed either


def _work(value: Any) -> int:
    """What it costs to go through a value; refuses one that is too big for any filter."""
    if isinstance(value, str):
        return _checked(len(value), MAX_TEXT_LENGTH, "a text", "characters")
    if isinstance(value, list | tuple):
        return _ITEM_WORK * _checked(len(value), MAX_ITEMS, "a list", "items")
    return _checked(value.bit_length(), MAX_INTEGER_BITS, "a number", "bits") if isinstance(value, int) else 1


def _checked(size: int, limit: int, what: str, unit: str) -> int:
    if size > limit:
        _refuse(f"{what} of more than {limit:,} {unit}")
    return size + 1


def _refuse(what: str) -> None:
    message = f"a filter takes or makes {what}"
    raise ResourceLimitError(message, token=None)


@with_context  # type: ignore[untyped-decorator]  # the package is not followed by mypy
def _date(value: Any, pattern: Any = None, *, context: RenderContext) -> str:
    """As Liquid's, but `now` and `today` are decide's time; text that is no time stays as it is."""
    if is_undefined(value) or value is None:
        return ""
    text = date_text(value, printed(pattern), context.data.now_ms) if pattern else None
    return printed(value) if text is None else text


def _json(value: Any) -> str:
    """The value as JSON, to stand inside a JSON body."""
    try:
        return msgspec.json.encode(None if is_undefined(value) else value).decode()
    except (TypeError, ValueError, OverflowError) as error:
        raise FilterArgumentError(str(error), token=None) from error


def _join(value: Any, separator: Any = " ") -> str:
    """As Liquid's, with the length known before the text is made."""
    items = [printed(item) for item in value] if isinstance(value, list | tuple | range) else [printed(value)]
    between = printed(separator)
    _checked(sum(map(len, items)) + len(between) * len(items), MAX_TEXT_LENGTH, "a text", "characters")
    return between.join(items)


def _replace(value: Any, old: Any, new: Any = "") -> str:
    """As Liquid's, with the length known before the text is made."""
    text, found, put = printed(value), printed(old), printed(new)
    _checked(len(text) + text.count(found) * len(put), MAX_TEXT_LENGTH, "a text", "characters")
    return text.replace(found, put)
