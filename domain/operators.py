"""The operators of conditions: one table, a row each, and what each one means."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec
import re2

from domain.times import UNIT_MS, read_time_ms
from domain.values import equal, number_of, text_of

Test = Callable[[Any, int], bool]
"""Tests an actual value, at a `now` in milliseconds since the epoch. It never raises."""

NOW: Final = "now"
"""The one word that `before` and `after` take instead of a time."""

_TIME: Final = "a time (RFC 3339, a date, or `now`)"
_SPAN: Final = "a number (with a `unit`)"

MAX_PATTERN_LENGTH: Final = 1_000
MAX_MATCHED_LENGTH: Final = 10_000
_PATTERN_MEMORY = 1 << 20


class Operator(msgspec.Struct, frozen=True):
    """One operator. `prepare` is called once for a value (and a unit), its `Test` for each actual value."""

    name: str
    takes: str
    """What `value` must be: one of the keys of `VALUE_CHECKS`."""
    meaning: str
    prepare: Callable[[Any, str | None], Test]


def check_unit(operator: Operator, unit: str | None) -> str | None:
    """What is wrong with an operator's unit, else None."""
    if operator.takes != _SPAN:
        return None if unit is None else f"`{operator.name}` takes no `unit` (only `within_last` does); found {unit!r}"
    return None if unit in UNIT_MS else f"`{operator.name}` needs a `unit`, one of {', '.join(UNIT_MS)}; found {unit!r}"


def check_value(operator: Operator, value: Any) -> str | None:
    """What is wrong with an operator's value, else None."""
    if value is None and operator.takes != "nothing":
        return f"`{operator.name}` needs a `value`; whether a field is there is asked by `exists` and `not_exists`"
    return None if VALUE_CHECKS[operator.takes](value) else _wrong_value(operator, value)


def _wrong_value(operator: Operator, value: Any) -> str:
    if operator.takes == "nothing":
        return f"`{operator.name}` takes no `value`; found {value!r}: for the opposite use the other one of `exists` and `not_exists`"
    if operator.takes == "a pattern" and isinstance(value, str):
        return f"`{operator.name}` needs an RE2 pattern of at most {MAX_PATTERN_LENGTH} characters: {_pattern_error(value)}"
    return f"`{operator.name}` needs {operator.takes} as its `value`; found {value!r}"


# ---------------------------------------------------------------- equality and presence


def _equals(value: Any, _: str | None) -> Test:
    if value is None:
        return _never
    if _only_equals_text(value):
        return lambda actual, _: actual == value
    return lambda actual, _: equal(actual, value)


def _only_equals_text(value: Any) -> bool:
    """Whether `==` alone decides: the value is a text that is neither a number's nor a boolean's."""
    return isinstance(value, str) and number_of(value) is None and value not in ("true", "false")


def _exists(_: Any, __: str | None) -> Test:
    return lambda actual, _: actual is not None


def _contains(value: Any, _: str | None) -> Test:
    part, is_member = text_of(value), _equals(value, None)

    def test(actual: Any, now_ms: int) -> bool:
        if isinstance(actual, list | tuple):
            return any(is_member(item, now_ms) for item in actual)
        text = text_of(actual)
        return text is not None and part is not None and part in text

    return _never if value is None else test


def _in(value: Any, _: str | None) -> Test:
    if not isinstance(value, list | tuple):
        return _never

    def test(actual: Any, _: int) -> bool:
        if isinstance(actual, list | tuple):
            return any(equal(item, choice) for item in actual for choice in value)
        return actual is not None and any(equal(actual, choice) for choice in value)

    return test


def _not(prepare: Callable[[Any, str | None], Test]) -> Callable[[Any, str | None], Test]:
    def prepare_opposite(value: Any, unit: str | None) -> Test:
        test = prepare(value, unit)
        return lambda actual, now_ms: not test(actual, now_ms)

    return prepare_opposite


def _never(_: Any, __: int) -> bool:
    return False


# ---------------------------------------------------------------- order


def _ordered(holds: Callable[[int | float, int | float], bool]) -> Callable[[Any, str | None], Test]:
    """Numbers in order; a missing actual one counts as 0, as in the user's engine (`actual or 0`)."""

    def prepare(value: Any, _: str | None) -> Test:
        bound = number_of(value)
        if bound is None:
            return _never

        def test(actual: Any, _: int) -> bool:
            number = 0 if actual is None else number_of(actual)
            return number is not None and holds(number, bound)

        return test

    return prepare


# ---------------------------------------------------------------- text


def _text(holds: Callable[[str, str], bool]) -> Callable[[Any, str | None], Test]:
    def prepare(value: Any, _: str | None) -> Test:
        part = text_of(value)
        if part is None:
            return _never

        def test(actual: Any, _: int) -> bool:
            text = text_of(actual)
            return text is not None and holds(text, part)

        return test

    return prepare


def _matches(value: Any, _: str | None) -> Test:
    source = text_of(value)
    pattern = None if source is None or _pattern_error(source) else _pattern(source)
    if pattern is None:
        return _never

    def test(actual: Any, _: int) -> bool:
        text = text_of(actual)
        try:
            return text is not None and pattern.search(text[:MAX_MATCHED_LENGTH]) is not None
        except (re2.error, ValueError):  # half a surrogate pair can't be written as UTF-8
            return False

    return test


@lru_cache(maxsize=1_024)
def _pattern(source: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    return re2.compile(source, options)


def _pattern_error(source: str) -> str | None:
    if len(source) > MAX_PATTERN_LENGTH:
        return f"it has {len(source)}"
    try:
        _pattern(source)
    except (re2.error, ValueError) as error:
        reason = error.args[0] if error.args else error
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return None


# ---------------------------------------------------------------- time


def _timed(holds: Callable[[int, int], bool]) -> Callable[[Any, str | None], Test]:
    def prepare(value: Any, _: str | None) -> Test:
        bound = _time_of(value)

        def test(actual: Any, now_ms: int) -> bool:
            time, limit = _time_of(actual), now_ms if value == NOW else bound
            return time is not None and limit is not None and holds(time, limit)

        return test

    return prepare


def _within_last(value: Any, unit: str | None) -> Test:
    count, unit_ms = number_of(value), UNIT_MS.get(unit or "")
    if count is None or unit_ms is None:
        return _never
    span_ms = count * unit_ms

    def test(actual: Any, now_ms: int) -> bool:
        time = _time_of(actual)
        return time is not None and 0 <= now_ms - time <= span_ms

    return test


def _time_of(value: Any) -> int | None:
    return read_time_ms(value) if isinstance(value, str) else None


def _is_span(value: Any) -> bool:
    count = number_of(value)
    return count is not None and 0 < count <= 1e9  # noqa: PLR2004 - a billion of any unit is past every time


VALUE_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "nothing": lambda value: value in (None, True, ""),
    "a value": lambda _: True,
    "a text or a number": lambda value: text_of(value) is not None,
    "a number": lambda value: number_of(value) is not None,
    "a list": lambda value: isinstance(value, list | tuple),
    "a pattern": lambda value: isinstance(value, str) and _pattern_error(value) is None,
    _TIME: lambda value: value == NOW or _time_of(value) is not None,
    _SPAN: _is_span,
}

_ROWS: Final = (
    Operator(
        "equals",
        "a value",
        'The field equals the value: a text letter by letter; a number also as text (`5` = `5.0` = `"5"`); a boolean also as the text `true` or `false`; a list or an object item by item.',
        _equals,
    ),
    Operator("not_equals", "a value", "The opposite of `equals`; true on a missing field.", _not(_equals)),
    Operator(
        "contains",
        "a value",
        "The field's text has the value in it, or the field is a list (as `tags`) and the value is a member of it.",
        _contains,
    ),
    Operator("not_contains", "a value", "The opposite of `contains`; true on a missing field.", _not(_contains)),
    Operator("exists", "nothing", "The field is there and not null; an empty text exists.", _exists),
    Operator("not_exists", "nothing", "The field is missing or null.", _not(_exists)),
    Operator(
        "greater_than",
        "a number",
        "The field is a number greater than the value; a missing field counts as 0, anything else that is no number is false.",
        _ordered(lambda actual, bound: actual > bound),
    ),
    Operator("less_than", "a number", "As `greater_than`, for less.", _ordered(lambda actual, bound: actual < bound)),
    Operator(
        "greater_or_equal",
        "a number",
        "As `greater_than`, or equal.",
        _ordered(lambda actual, bound: actual >= bound),
    ),
    Operator("less_or_equal", "a number", "As `less_than`, or equal.", _ordered(lambda actual, bound: actual <= bound)),
    Operator(
        "in",
        "a list",
        "The field equals a member of the value; a field that is a list itself shares a member with it.",
        _in,
    ),
    Operator("not_in", "a list", "The opposite of `in`; true on a missing field.", _not(_in)),
    Operator("starts_with", "a text or a number", "The field's text starts with the value.", _text(str.startswith)),
    Operator("ends_with", "a text or a number", "The field's text ends with the value.", _text(str.endswith)),
    Operator(
        "matches",
        "a pattern",
        f"The RE2 pattern is found in the field's text (anchor it with `^` and `$` to match all of it); the first {MAX_MATCHED_LENGTH:,} characters are looked at.",
        _matches,
    ),
    Operator("before", _TIME, "The field is a time before the value.", _timed(lambda time, limit: time < limit)),
    Operator("after", _TIME, "The field is a time after the value.", _timed(lambda time, limit: time > limit)),
    Operator(
        "within_last",
        _SPAN,
        "The field is a time not after now and at most so long ago.",
        _within_last,
    ),
)

OPERATORS: Final = {operator.name: operator for operator in _ROWS}
"""Every operator of the definition language, by name."""


def operators_table() -> str:
    """The table of the reference (`docs/reference/operators.md`), made from the one above."""
    rows = [f"| `{row.name}` | {'' if row.takes == 'nothing' else row.takes} | {row.meaning} |" for row in _ROWS]
    return "\n".join(["| operator | `value` | meaning |", "|---|---|---|", *rows])
