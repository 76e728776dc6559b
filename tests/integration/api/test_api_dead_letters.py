"""Dead letters by the API: which there are, and what replaying one appends, answers and refuses."""

import json
from uuid import uuid4

import pytest

from domain.command import PauseEnrollment
from domain.partition import home_partition
from schemas.command import encode_command
from schemas.dead_letter import dead_letter
from schemas.event_log import Record
from schemas.replay import read_replay_note
from schemas.topics import COMMANDS, CONTACT_EVENTS, DEAD_LETTERS
from tests.integration.api.caller import assert_problem
from tests.integration.api.conftest import PARTITIONS
from tests.integration.api.read_side import START, later

READABLE = {"type": "order.paid", "contact_id": "ada", "data": {"total": 7}}
PLACE = {"partition": 2, "offset": 41}


async def bury(api, value, *, topic=CONTACT_EVENTS, key=b"k", headers=(("x-trace", b"\xff1"),), **row):
    """A dead letter, in the log and on the read side; gives its id."""
    value = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    record = Record(topic=topic, timestamp_ms=0, key=key, value=value, headers=headers, **PLACE)
    (offset,) = await api.log.append([dead_letter(record, "not_json", "expected JSON")])
    id_ = f"{PLACE['partition']}-{offset}"
    shown = {"topic": topic, "reason": "not_json", "key": key, "value": value} | PLACE | row
    await api.read_side.dead_letter(id=id_, **shown)
    return id_


def replay(letter_id):
    return f"/api/v1/dead-letters/{letter_id}/replay"


def marks(record):
    return {name: content.decode() for name, content in record.headers if name.startswith("headrace-")}


# ---------------------------------------------------------------- reading


async def test_one_dead_letter_is_shown(api):
    id_ = await bury(api, b"{")
    reply = await api.get(f"/api/v1/dead-letters/{id_}")
    assert reply.status == 200
    assert (reply.body["id"], reply.body["value"], reply.body["status"], reply.body["replayed_at"]) == (
        id_,
        "{",
        "open",
        None,
    )


async def test_what_is_none_is_404(api):
    assert_problem(await api.get("/api/v1/dead-letters/0-7"), 404, "not_found")
    assert_problem(await api.post(replay("0-7")), 404, "not_found")
    assert_problem(await api.post(replay("x" * 300)), 404, "not_found")


async def test_a_letter_that_is_no_longer_in_the_log_is_404(api, read_side):
    await read_side.dead_letter(id="3-99")
    await read_side.dead_letter(id="elsewhere", offset=8)
    assert_problem(await api.post(replay("3-99")), 404, "not_found")
    assert_problem(await api.post(replay("elsewhere")), 404, "not_found")


async def test_they_are_listed_by_status_and_reason(api, read_side):
    for number, (status, reason) in enumerate([("open", "a"), ("replayed", "a"), ("open", "b")]):
        await read_side.dead_letter(id=f"0-{number}", status=status, reason=reason, at=later(seconds=number))

    async def ids(**query):
        return [letter["id"] for letter in (await api.get("/api/v1/dead-letters", params=query)).body["items"]]

    assert await ids() == ["0-2", "0-1", "0-0"]
    assert await ids(status="open") == ["0-2", "0-0"]
    assert await ids(status="open", reason="a") == ["0-0"]
    assert_problem(await api.get("/api/v1/dead-letters", params={"status": "gone"}), 400, "bad_query")


# ---------------------------------------------------------------- replaying


@pytest.mark.parametrize("result", ["accepted", "duplicate"])
async def test_a_replay_appends_the_record_at_its_contacts_home_with_its_first_place(api, result):
    id_ = await bury(api, READABLE)
    async with api.posting(replay(id_)) as posting:
        again = await api.event()
        command_id = marks(again)["headrace-command"]
        await api.answer(command_id, result=result)
        reply = await posting
    assert reply.status == 200, reply.text
    assert (reply.body["id"], reply.body["command_id"], reply.body["result"]) == (id_, command_id, result)
    assert again.partition == home_partition("ada", PARTITIONS)
    assert (again.key, json.loads(again.value)) == (b"k", READABLE)
    assert again.headers[0] == ("x-trace", b"\xff1")
    assert marks(again)["headrace-original"] == f"{CONTACT_EVENTS}/2/41"


async def test_beside_the_letter_stands_a_note(api):
    id_ = await bury(api, READABLE)
    reply = await api.post(replay(id_), headers={"Prefer": "respond-async"})
    assert reply.status == 202
    _, note = await api.appended(DEAD_LETTERS, 2)
    found = read_replay_note(note)
    assert (found.letter_id, found.command_id, found.result) == (id_, reply.body["command_id"], None)
    assert f"{note.partition}-{note.offset}" == "2-1"


async def test_a_corrected_value_is_taken_instead(api):
    id_ = await bury(api, b"{")
    for value in (READABLE, json.dumps(READABLE)):
        reply = await api.post(replay(id_), json={"value": value}, headers={"Prefer": "respond-async"})
        assert reply.status == 202
        again = await api.event()
        assert json.loads(again.value) == READABLE
        assert marks(again)["headrace-original"] == f"{CONTACT_EVENTS}/2/41"


async def test_what_still_cannot_be_read_is_not_appended(api):
    id_ = await bury(api, b"{")
    assert_problem(await api.post(replay(id_)), 409, "not_json")
    assert_problem(await api.post(replay(id_), json={"value": "{"}), 422, "not_json")
    assert_problem(await api.post(replay(id_), json={"value": {"type": 5}}), 422, "bad_type")
    assert_problem(await api.post(replay(id_), json={"value": 5}), 422, "invalid_body")
    assert_problem(await api.post(replay(await bury(api, None))), 409, "tombstone")
    assert api.log.topics[CONTACT_EVENTS] == [[], [], [], []]


async def test_a_record_of_another_topic_cannot_be_replayed(api):
    assert_problem(await api.post(replay(await bury(api, READABLE, topic="elsewhere"))), 409, "not_replayable")


async def test_a_letter_that_was_replayed_is_not_replayed_again(api):
    command_id = uuid4()
    id_ = await bury(api, READABLE, status="replayed", replayed_at=START, replayed_by=str(command_id))
    problem = assert_problem(await api.post(replay(id_)), 409, "already_replayed")
    assert problem["command_id"] == str(command_id)
    assert api.log.topics[CONTACT_EVENTS] == [[], [], [], []]


async def test_the_same_request_is_answered_alike_once_it_was_done(api, read_side):
    id_, key = await bury(api, READABLE), {"Idempotency-Key": "k1"}
    pending = await api.post(replay(id_), headers=key | {"Prefer": "respond-async"})
    await api.answer(pending.body["command_id"])
    replies = [await api.post(replay(id_), headers=key) for _ in range(2)]
    assert [(reply.status, reply.body["result"]) for reply in replies] == [(200, "accepted")] * 2
    assert len(await api.appended(CONTACT_EVENTS)) == 1


async def test_a_record_that_the_engine_buries_again_is_refused_with_the_reason(api):
    id_ = await bury(api, READABLE)
    async with api.posting(replay(id_)) as posting:
        command_id = marks(await api.event())["headrace-command"]
        await api.answer(command_id, result="rejected", code="oversize", reason="the value is too large")
        assert_problem(await posting, 409, "oversize")


async def test_a_command_goes_home_and_its_note_says_that_it_was_done(api):
    command = PauseEnrollment(command_id="c", contact_id="bo", enrollment_id="e")
    id_ = await bury(api, encode_command(command), topic=COMMANDS)
    reply = await api.post(replay(id_), headers={"Prefer": "respond-async"})
    assert reply.status == 202
    (again,) = await api.appended(COMMANDS)
    assert again.partition == home_partition("bo", PARTITIONS)
    _, note = await api.appended(DEAD_LETTERS, 2)
    assert read_replay_note(note).result == "accepted"
    assert_problem(await api.post(replay(await bury(api, b"{", topic=COMMANDS))), 409, "unreadable_command")


# ---------------------------------------------------------------- the page


async def test_the_page_shows_the_open_ones_and_their_records(api):
    await bury(api, b"<b>{")
    await bury(api, b"\xff", status="replayed", replayed_at=START)
    page = await api.get("/dead-letters", headers={"Accept": "text/html"})
    assert page.status == 200
    assert "&lt;b&gt;{" in page.text
    assert "<b>{" not in page.text
    assert "2-1" not in page.text
    everything = (await api.get("/dead-letters?status=all", headers={"Accept": "text/html"})).text
    assert "2-1" in everything
    assert "(no text) /w==" in everything
