"""That a dead letter was replayed is read from the log alone, in however many batches."""

import psycopg
import pytest

from projections.migrations import migrate
from schemas.dead_letter import dead_letter
from schemas.event_log import Record
from schemas.replay import buried_record, replay_note, replayed_record
from schemas.topics import DEAD_LETTERS
from tests.integration.projections.test_projector import PARTITIONS, project_all, projecting, read_side, rows, same
from tests.support.journals import make_topics
from tests.support.memory_log import MemoryEventLog

COMMAND, OTHER = "5b0b7a2e-0000-4000-8000-000000000001", "5b0b7a2e-0000-4000-8000-000000000002"
RECORD = Record(topic="contact-events", partition=1, offset=5, timestamp_ms=0, key=b"k", value=b"{")
LETTERS = "SELECT id, status, replayed_at IS NOT NULL, replayed_by FROM dead_letters ORDER BY id"
RESULTS = "SELECT command_id, command_type, result, code, reason FROM command_results"


@pytest.fixture
async def log() -> MemoryEventLog:
    log = MemoryEventLog()
    await make_topics(log, PARTITIONS)
    return log


async def letter_in(log: MemoryEventLog, record: Record = RECORD) -> Record:
    (offset,) = await log.append([dead_letter(record, "not_json", "expected JSON")])
    (letter,) = await log.read(DEAD_LETTERS, record.partition, offset, limit=1)
    return letter


async def test_a_note_marks_its_letter_and_is_none_itself(log, read_side_url):
    letter = await letter_in(log)
    await letter_in(log)
    await log.append([replay_note(letter, command_id=COMMAND)])
    await project_all(log, read_side_url)
    assert rows(read_side_url, LETTERS) == [("1-0", "replayed", True, COMMAND), ("1-1", "open", False, None)]
    assert rows(read_side_url, RESULTS) == []


async def test_a_note_may_come_long_after_its_letter_and_a_rebuild_gives_the_same(log, read_side_url, database_url):
    letter = await letter_in(log)
    await project_all(log, read_side_url)
    await log.append([replay_note(letter, command_id=COMMAND)])
    await log.append([replay_note(letter, command_id=OTHER, result="accepted")])
    async with projecting(log, read_side_url):
        pass
    await project_all(log, read_side_url)
    migrate(database_url)
    await project_all(log, database_url)
    assert rows(read_side_url, LETTERS) == [("1-0", "replayed", True, OTHER)]
    same(read_side(database_url), read_side(read_side_url))


async def test_a_note_gives_the_result_that_nobody_else_will(log, read_side_url):
    await log.append([replay_note(await letter_in(log), command_id=COMMAND, result="accepted")])
    await project_all(log, read_side_url)
    assert rows(read_side_url, RESULTS) == [(COMMAND, "replay_dead_letter", "accepted", None, None)]


async def test_a_replay_that_was_buried_again_is_rejected(log, read_side_url):
    letter = await letter_in(log)
    again = replayed_record(buried_record(letter), partition=2, value=b"[", command_id=COMMAND)
    record = Record(
        topic=again.topic,
        partition=2,
        offset=9,
        timestamp_ms=0,
        key=again.key,
        value=again.value,
        headers=again.headers,
    )
    await log.append([replay_note(letter, command_id=COMMAND)])
    await letter_in(log, record)
    await project_all(log, read_side_url)
    assert rows(read_side_url, RESULTS) == [(COMMAND, "replay_dead_letter", "rejected", "not_json", "expected JSON")]
    assert [row[:2] for row in rows(read_side_url, LETTERS)] == [("1-0", "replayed"), ("2-0", "open")]


async def test_a_note_of_a_letter_that_is_none_changes_nothing(log, read_side_url):
    letter = await letter_in(log)
    await log.append([replay_note(Record(**{**_fields(letter), "offset": 77}), command_id="not-a-uuid", result="x")])
    await project_all(log, read_side_url)
    assert rows(read_side_url, LETTERS) == [("1-0", "open", False, None)]
    assert rows(read_side_url, RESULTS) == []


async def test_letters_of_before_the_migration_are_open(database_url):
    migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO dead_letters (id, reason, message, topic, at) VALUES ('0-0', 'r', '', '', now())"
        )
    assert rows(database_url, LETTERS) == [("0-0", "open", False, None)]


def _fields(record: Record) -> dict:
    return {name: getattr(record, name) for name in record.__struct_fields__}
