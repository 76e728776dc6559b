"""What a scalar of YAML means.

Plain text is read as JSON would: `true`, `false` and `null` (also `~` and nothing), and numbers as JSON writes them.
All else is text: `no`, `on`, `010`, `1_000`, `12:30`, `+15551234567`, `2026-01-31`.
"""

from collections.abc import Callable
from typing import Final

from schemas.definition.numerals import number

Value = str | int | float | bool | None

TAG: Final = "tag:yaml.org,2002:"
"""What `!!` stands for."""

_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}


def plain_value(text: str) -> Value:
    """The value of text without quotes and without a tag.

    Raises:
        OverflowError: it is a number that is too large.
    """
    if text in _WORDS:
        return _WORDS[text]
    value = number(text)
    return text if value is None else value


def tagged_value(tag: str, text: str) -> Value:
    """The value of text with a tag such as `!!int`.

    Raises:
        LookupError: a definition can't hold what the tag asks for.
        ValueError: the text is no such value.
        OverflowError: it is a number that is too large.
    """
    return _BY_TAG[tag](text)


def tag_name(tag: str | None) -> str:
    """A tag as people write it."""
    return (tag or "").replace(TAG, "!!")


def _number_of_tag(text: str) -> int | float:
    value = number(text)
    if value is None:
        raise ValueError(text)
    return value


def _integer_of_tag(text: str) -> int:
    value = _number_of_tag(text)
    if not isinstance(value, int):
        raise ValueError(text)  # noqa: TRY004 - the text is what is wrong
    return value


def _word_of_tag(text: str, kind: type) -> Value:
    value = _WORDS.get(text, text)
    if not isinstance(value, kind):
        raise ValueError(text)  # noqa: TRY004 - the text is what is wrong
    return value


_BY_TAG: Final[dict[str, Callable[[str], Value]]] = {
    f"{TAG}str": str,
    f"{TAG}int": _integer_of_tag,
    f"{TAG}float": lambda text: float(_number_of_tag(text)),
    f"{TAG}bool": lambda text: _word_of_tag(text, bool),
    f"{TAG}null": lambda text: _word_of_tag(text, type(None)),
}
