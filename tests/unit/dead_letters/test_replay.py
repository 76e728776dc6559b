"""Burying a record and taking it out again loses nothing, however often it is done."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.dead_letter import dead_letter
from schemas.event_log import NewRecord, Record
from schemas.replay import (
    buried_record,
    failed_replay,
    letter_id,
    read_replay_note,
    replay_note,
    replayed_record,
)

COMMAND, OTHER = "5b0b7a2e-0000-4000-8000-000000000001", "5b0b7a2e-0000-4000-8000-000000000002"
names = st.text(max_size=20).filter(lambda name: not name.startswith("headrace-"))
records = st.builds(
    Record,
    topic=st.just("contact-events"),
    partition=st.integers(0, 31),
    offset=st.integers(0, 2**53),
    timestamp_ms=st.integers(0, 2**41),
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=50),
    headers=st.lists(st.tuples(names, st.binary(max_size=20)), max_size=5).map(tuple),
)


def standing(record: NewRecord, *, offset: int = 7) -> Record:
    """The record as the log would give it."""
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=offset,
        timestamp_ms=0,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


@given(records, st.text(max_size=20), st.text(max_size=20))
def test_what_is_buried_is_taken_out_as_it_was(record, reason, message):
    letter = standing(dead_letter(record, reason, message))
    assert buried_record(letter) == replace(record, timestamp_ms=0)


@given(records, st.integers(0, 31))
def test_a_replayed_record_is_the_same_but_for_two_marks(record, partition):
    again = replayed_record(record, partition=partition, value=record.value, command_id=COMMAND)
    assert (again.topic, again.partition, again.key, again.value) == (
        record.topic,
        partition,
        record.key,
        record.value,
    )
    assert again.headers[: len(record.headers)] == record.headers
    assert dict(again.headers[len(record.headers) :]) == {
        "headrace-original": f"contact-events/{record.partition}/{record.offset}".encode(),
        "headrace-command": COMMAND.encode(),
    }


@given(records)
def test_a_replay_of_a_replay_keeps_the_first_place_and_tells_the_last_command(record):
    once = standing(replayed_record(record, partition=3, value=None, command_id=COMMAND), offset=99)
    letter = standing(dead_letter(once, "tombstone", ""))
    assert failed_replay(letter) == COMMAND
    twice = replayed_record(buried_record(letter), partition=3, value=b"{}", command_id=OTHER)
    marks = [content.decode() for name, content in twice.headers if name.startswith("headrace-")]
    assert marks == [f"contact-events/{record.partition}/{record.offset}", OTHER]


@given(records)
def test_a_note_is_told_from_a_letter(record):
    letter = standing(dead_letter(record, "not_json", ""))
    assert read_replay_note(letter) is None
    assert failed_replay(letter) is None
    note = replay_note(letter, command_id=COMMAND)
    assert note.partition == letter.partition
    found = read_replay_note(standing(note))
    assert (found.letter_id, found.command_id, found.result) == (letter_id(letter), COMMAND, None)


def test_a_letter_of_somebody_elses_says_nothing_to_replay():
    foreign = Record(topic="headrace.dead-letters", partition=0, offset=0, timestamp_ms=0, key=b"k", value=b"v")
    assert buried_record(foreign) is None
    assert buried_record(replace(foreign, headers=(("headrace-topic", b"t"), ("headrace-partition", b"x")))) is None


def test_only_a_uuid_is_taken_for_a_command():
    letter = Record(topic="t", partition=0, offset=0, timestamp_ms=0, key=None, value=None)
    for text in (b"", b"x" * 10_000, COMMAND.upper().encode()[:-1]):
        assert failed_replay(replace(letter, headers=(("original-headrace-command", text),))) is None
        assert read_replay_note(replace(letter, headers=(("headrace-replayed", b"0-0"), ("headrace-command", text)))).command_id == ""  # fmt: skip
