"""How many parts a text message is sent and billed in: GSM 03.38 (7 bits), else UCS-2 (16 bits)."""

from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""Characters that take two places (3GPP TS 23.038, 6.2.1.1)."""
_GSM: Final = (160, 153)
_UCS2: Final = (70, 67)
"""Places in a message of one part, and in each part of a longer one (TS 23.040, 9.2.3.24)."""


def sms_parts(text: str) -> int:
    """How many parts a text takes; an empty one takes one."""
    if _BASIC.issuperset(text):
        return _parts(len(text), _GSM)
    if (_BASIC | _EXTENDED).issuperset(text):
        return _parts(sum(2 if character in _EXTENDED else 1 for character in text), _GSM)
    return _parts(len(text.encode("utf-16-be")) // 2, _UCS2)


def _parts(places: int, room: tuple[int, int]) -> int:
    alone, each = room
    return 1 if places <= alone else -(-places // each)
