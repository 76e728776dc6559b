"""In how many parts a text message is billed."""

import pytest

from domain.backtest.sms_parts import sms_parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("😊" * 35, 1),
        ("😊" * 36, 2),
        ("a" * 159 + "\u2019", 3),
    ],
)
def test_parts(text, parts):
    assert sms_parts(text) == parts
