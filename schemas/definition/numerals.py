"""Numbers as JSON writes them; the one grammar for both formats."""

import math
import re
from typing import Final

MAX_INTEGER: Final = 2**63 - 1
"""Larger whole numbers are not kept exactly by every reader of JSON, nor by Postgres."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<rest>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_MAX_DIGITS: Final = 400


def number(text: str) -> int | float | None:
    """The number that JSON would read; None when the text is not one.

    Raises:
        OverflowError: it is one, and too large to be kept (integers of more than 64 bits, infinity).
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    if len(text) > _MAX_DIGITS:
        raise OverflowError
    value = float(text) if match["rest"] else int(text)
    if math.isinf(value) or (isinstance(value, int) and abs(value) > MAX_INTEGER):
        raise OverflowError
    return value
