"""How values of a contact are read, compared and printed: as numbers, as text, as equals."""

import re
from math import isfinite
from typing import Any, Final

import msgspec

_NUMBER = re.compile(r"[+-]?(?P<whole>\d+)?(?P<rest>(?:\.\d*)?(?:[eE][+-]?\d{1,4})?)", re.ASCII)
_MAX_NUMBER_LENGTH = 300
"""Longer text is no number; Python refuses to read integers of more than 4,300 digits."""

_MAX_DEPTH: Final = 32
"""Objects nested deeper than this equal nothing."""


def number_of(value: Any) -> int | float | None:
    """A number, or text that is written as one; None for everything else, and for what is not finite.

    Booleans are no numbers. Text must be the number alone: `5`, `-5.0`, `.5`, `1e3`; no spaces, no `1,000`.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    return _number_in(value) if isinstance(value, str) else None


def _number_in(text: str) -> int | float | None:
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_NUMBER_LENGTH else None
    if match is None:
        return None
    if match["whole"] and not match["rest"]:
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def text_of(value: Any) -> str | None:
    """Text, or a number as its text (`24`, `2.5`); None for everything else."""
    if isinstance(value, str):
        return value
    number = number_of(value)
    try:
        return None if number is None else str(number)
    except ValueError:  # an integer of thousands of digits
        return None


def equal(left: Any, right: Any, *, depth: int = 0) -> bool:
    """Whether two values are equal as conditions see it.

    Two texts are compared letter by letter; a number equals a number and text that is written as one; a boolean
    equals a boolean and the text `true` or `false`; lists and objects are equal when all their items are.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return _boolean_of(left) is not None and _boolean_of(left) is _boolean_of(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, dict | list | tuple):
        return depth < _MAX_DEPTH and _equal_items(left, right, depth + 1)
    if left is None or right is None:
        return left is right
    number = number_of(left)
    return number is not None and number == number_of(right)


def _equal_items(left: Any, right: Any, depth: int) -> bool:
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(equal(value, right[key], depth=depth) for key, value in left.items())
        )
    return (
        isinstance(right, list | tuple)
        and len(left) == len(right)
        and all(equal(one, other, depth=depth) for one, other in zip(left, right, strict=True))
    )


def _boolean_of(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def printed(value: Any) -> str:
    """The text that a template prints for a value: nothing for None, `true` and `false`, a list item after item.

    Objects print as JSON. Raises ValueError, TypeError, OverflowError or RecursionError for what has no such text.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "".join(map(printed, value))
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else str(value)
