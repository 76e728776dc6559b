"""How long a provider asks to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from streams.providers.retry_after import LONGEST_MS, retry_after_ms


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0),
        ("2", 2_000),
        ("1.5", 1_500),
        (" 3 ", 3_000),
        ("99999999999", LONGEST_MS),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_seconds_or_as_a_date_and_bounded(header, expected):
    assert retry_after_ms({"Retry-After": header}) == expected


def test_a_date_ahead_is_the_time_until_then():
    then = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    assert 500_000 < retry_after_ms({"Retry-After": then}) <= 600_000


def test_sendgrids_reset_time_counts_when_there_is_no_retry_after():
    reset = str(int(datetime.now(UTC).timestamp()) + 600)
    assert 500_000 < retry_after_ms({"X-RateLimit-Reset": reset}) <= 600_000
    assert retry_after_ms({"X-RateLimit-Reset": reset, "Retry-After": "1"}) == 1_000


def test_without_a_wish_there_is_none():
    assert retry_after_ms({}) is None
