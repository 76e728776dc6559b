"""Send windows: never outside, never earlier than asked, and what the clocks' changes do to them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.send_window import SendWindow, is_inside, opens_at, zone_of

DAYTIME = SendWindow(from_minute=9 * 60, to_minute=20 * 60)
OFFICE = SendWindow(from_minute=9 * 60, to_minute=17 * 60, days=(0, 1, 2, 3, 4), timezone="Europe/Berlin")
NIGHT = SendWindow(from_minute=22 * 60, to_minute=6 * 60, days=(4,))


def ms(text, zone="UTC", fold=0):
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(moment.timestamp() * 1000)


def opens(window, zone, at, *, fold=0):
    """When it opens, in the zone's own time, for somebody who asks at its own time."""
    found = opens_at(window, zone, ms(at, zone, fold))
    return datetime.fromtimestamp(found / 1000, UTC).astimezone(ZoneInfo(zone)).strftime("%a %H:%M%z")


@pytest.mark.parametrize(
    ("window", "at", "found"),
    [
        (DAYTIME, "2026-03-04 12:34", "Wed 12:34+0000"),
        (DAYTIME, "2026-03-04 09:00", "Wed 09:00+0000"),
        (DAYTIME, "2026-03-04 08:59", "Wed 09:00+0000"),
        (DAYTIME, "2026-03-04 20:00", "Thu 09:00+0000"),  # the end is outside
        (OFFICE, "2026-03-06 17:00", "Mon 09:00+0000"),
        (OFFICE, "2026-03-08 10:00", "Mon 09:00+0000"),
        (NIGHT, "2026-03-07 05:59", "Sat 05:59+0000"),  # of the Friday on which it began
        (NIGHT, "2026-03-07 06:00", "Fri 22:00+0000"),
        (NIGHT, "2026-03-06 05:00", "Fri 22:00+0000"),  # Thursday's night is none
    ],
)
def test_it_is_open_inside_and_opens_next_otherwise(window, at, found):
    assert opens(window, "UTC", at) == found


def test_the_hours_are_the_contacts_own():
    eight_utc = ms("2026-07-01 08:00")
    assert opens_at(DAYTIME, "Europe/Berlin", eight_utc) == eight_utc  # ten o'clock there
    assert opens_at(DAYTIME, "America/New_York", eight_utc) == ms("2026-07-01 13:00")


@pytest.mark.parametrize(
    "unknown", [None, "", "Mars/Olympus", "localtime", "../etc", "America", "/etc/passwd", "x" * 999]
)
def test_without_a_zone_that_can_be_read_the_windows_own_counts_and_else_utc(unknown):
    at = ms("2026-07-01 07:30")  # a Wednesday
    assert opens_at(OFFICE, unknown, at) == at  # half past nine in Berlin
    assert opens_at(DAYTIME, unknown, at) == ms("2026-07-01 09:00")


def test_a_window_that_would_begin_in_the_hour_that_is_skipped_begins_when_the_clocks_go_on():
    window = SendWindow(from_minute=150, to_minute=240)
    assert opens(window, "Europe/Berlin", "2026-03-29 01:00") == "Sun 03:00+0200"


def test_a_window_within_the_hour_that_is_skipped_is_not_open_that_day():
    window = SendWindow(from_minute=130, to_minute=170)
    assert opens(window, "Europe/Berlin", "2026-03-29 01:00") == "Mon 02:10+0200"


def test_a_window_after_the_change_keeps_its_wall_clock_time():
    assert opens(DAYTIME, "Europe/Berlin", "2026-03-28 21:00") == "Sun 09:00+0200"
    assert opens(DAYTIME, "Europe/Berlin", "2026-10-24 21:00") == "Sun 09:00+0100"


def test_a_window_in_the_hour_that_comes_twice_is_open_both_times():
    window = SendWindow(from_minute=130, to_minute=150)
    assert opens(window, "Europe/Berlin", "2026-10-25 01:00") == "Sun 02:10+0200"
    assert opens(window, "Europe/Berlin", "2026-10-25 02:50") == "Sun 02:10+0100"
    before = SendWindow(from_minute=60, to_minute=150)  # closes at half past two, which comes again
    assert opens(before, "Europe/Berlin", "2026-10-25 02:40") == "Sun 02:00+0100"


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca",
         "Pacific/Apia", "America/Sao_Paulo", "Africa/Cairo")  # fmt: skip
windows = st.builds(
    SendWindow,
    from_minute=st.integers(0, 1439),
    to_minute=st.integers(0, 1440),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
).filter(lambda one: one.from_minute != one.to_minute)
moments = st.integers(ms("2005-01-01"), ms("2035-01-01")) | st.builds(
    lambda base, off: base + off,
    st.sampled_from([ms("2026-03-29 01:00"), ms("2026-10-25 01:00"), ms("2026-03-08 07:00"), ms("2026-11-01 06:00"),
                     ms("2026-04-04 15:00"), ms("2026-10-03 15:30"), ms("2011-12-30 10:00")]),  # the clocks are set
    st.integers(-3 * 86_400_000, 3 * 86_400_000),
)  # fmt: skip


def inside(window, zone, at_ms):
    wall = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone).replace(tzinfo=None)
    return is_inside(window, wall + timedelta(milliseconds=at_ms % 1000))


@given(windows, st.sampled_from(ZONES), moments)
def test_it_never_opens_outside_nor_before_it_is_asked_and_never_later_than_the_first_minute_inside(window, name, now):
    zone, found = zone_of(name), opens_at(window, name, now)
    assert found >= now
    assert inside(window, zone, found)
    if found > now:
        assert not inside(window, zone, now)
        assert not inside(window, zone, found - 1)
    first_minute = -(-now // 60_000) * 60_000
    step = max(60_000, (found - first_minute) // 100 // 60_000 * 60_000)
    assert not any(inside(window, zone, at) for at in range(first_minute, found, step))


@given(windows, st.sampled_from(ZONES), moments)
def test_to_ask_again_when_it_opens_finds_it_open(window, name, now):
    found = opens_at(window, name, now)
    assert opens_at(window, name, found) == found
