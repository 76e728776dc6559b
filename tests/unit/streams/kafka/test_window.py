"""A window holds the newest records without a gap, for several readers, and gives up when nobody reads."""

from schemas.event_log import Record
from streams.kafka.window import KEEP_BYTES, MAX_BYTES, Window


def records(*offsets: int, size: int = 10) -> list[Record]:
    return [
        Record(topic="journal", partition=0, offset=offset, timestamp_ms=1, key=None, value=b"x" * size)
        for offset in offsets
    ]


def offsets(chunk) -> list[int]:
    return [record.offset for record in chunk]


def test_a_new_window_covers_the_place_where_it_begins_and_nothing_else():
    window = Window(7, generation=1)

    assert [window.covers(offset) for offset in (6, 7, 8)] == [False, True, False]
    assert not window.holds(7)


def test_what_was_added_is_read_from_any_offset_also_between_records():
    window = Window(0, generation=1)
    window.add(records(0, 1, 3, 6), end=None)

    assert offsets(window.read(0, 2)) == [0, 1]
    assert window.read(0, 2).next == 2
    assert offsets(window.read(2, 9)) == [3, 6]
    assert window.read(2, 9).next == 7


def test_the_end_behind_markers_is_where_the_next_read_begins():
    window = Window(0, generation=1)
    window.add(records(0), end=5)

    assert window.read(0, 9).next == 5
    assert (offsets(window.read(1, 9)), window.read(1, 9).next) == ([], 5)
    assert not window.holds(1)


def test_what_is_there_already_is_not_added_again():
    window = Window(0, generation=1)
    window.add(records(0, 1), end=None)
    window.add(records(1, 2), end=None)

    assert offsets(window.read(0, 9)) == [0, 1, 2]


def test_the_oldest_go_once_they_were_read():
    window = Window(0, generation=1)
    size = KEEP_BYTES // 4
    for offset in range(12):
        window.add(records(offset, size=size), end=None)
        window.read(offset, 1)

    assert not window.is_full
    assert window.start >= 7
    assert offsets(window.read(11, 1)) == [11]


def test_unread_records_stay_until_the_window_is_full():
    window = Window(0, generation=1)
    count = MAX_BYTES // KEEP_BYTES + 1
    for offset in range(count):
        assert not window.is_full
        window.add(records(offset, size=KEEP_BYTES), end=None)

    assert window.is_full
    assert (window.start, window.next) == (0, count)


def test_a_stopped_window_gives_what_it_has_and_no_more():
    window = Window(0, generation=1)
    window.add(records(0), end=None)
    window.stopped = True

    assert window.covers(0)
    assert not window.covers(1)
