"""`headrace dead-letters`: which are listed, and what replaying them sends, prints and ends with."""

import pytest

from tests.unit.cli.conftest import AT, page

LETTERS = "/api/v1/dead-letters"
COMMAND_ID = "0190a2b4-0000-8000-8000-0000000000c1"


def letter(id_, **changes):
    return {
        "id": id_,
        "reason": "not_json",
        "message": "expected JSON",
        "topic": "contact-events",
        "partition": 0,
        "offset": 7,
        "key": "ada",
        "value": "{",
        "value_base64": "ew==",
        "headers": {},
        "at": AT,
        "status": "open",
        "replayed_at": None,
        "replayed_by": None,
        **changes,
    }


def replayed(id_, result="accepted"):
    shown = letter(id_, status="replayed", replayed_at=AT, replayed_by=COMMAND_ID)
    return shown | {"command_id": COMMAND_ID, "result": result}


def test_they_are_listed_by_status_and_reason(call, headrace):
    headrace.on("GET", LETTERS, page(letter("0-7")))
    assert "0-7" in call("dead-letters").out
    call("dead-letters", "--status", "open", "--reason", "not_json")
    queries = [{key: r.query.get(key) for key in ("status", "reason")} for r in headrace.requests]
    assert queries == [{"status": None, "reason": None}, {"status": "open", "reason": "not_json"}]


def test_a_whole_id_is_asked_for_without_listing(call, headrace):
    headrace.on("GET", f"{LETTERS}/0-7", letter("0-7"))
    assert call("dead-letters", "show", "0-7", "--json").json["value"] == "{"
    assert [request.path for request in headrace.requests] == [f"{LETTERS}/0-7"]


def test_those_that_are_named_are_replayed(call, headrace):
    headrace.on("POST", f"{LETTERS}/0-7/replay", replayed("0-7"))
    headrace.on("POST", f"{LETTERS}/1-2/replay", replayed("1-2", "duplicate"))
    result = call("dead-letters", "replay", "0-7", "1-2")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == ["0-7 was replayed: accepted", "1-2 was replayed: duplicate"]
    assert [request.body for request in headrace.sent("POST")] == [{}, {}]


def test_all_open_ones_with_a_reason_are_replayed_the_oldest_first(call, headrace):
    headrace.on("GET", LETTERS, page(letter("0-9"), letter("0-3")))
    for id_ in ("0-9", "0-3"):
        headrace.on("POST", f"{LETTERS}/{id_}/replay", replayed(id_))
    result = call("dead-letters", "replay", "--reason", "not_json", "--json")
    assert [item["id"] for item in result.json["items"]] == ["0-3", "0-9"]
    query = headrace.requests[0].query
    assert (query["status"], query["reason"]) == ("open", "not_json")


def test_a_refusal_is_told_the_others_go_on_and_the_command_fails(call, headrace):
    problem = {"code": "not_json", "detail": "the record still cannot be read"}
    headrace.on("POST", f"{LETTERS}/0-7/replay", problem, status=409)
    headrace.on("POST", f"{LETTERS}/1-2/replay", replayed("1-2"))
    result = call("dead-letters", "replay", "0-7", "1-2")
    assert result.code == 1
    assert result.out.splitlines() == ["1-2 was replayed: accepted"]
    assert "0-7 was refused (not_json): the record still cannot be read" in result.err


def test_a_corrected_value_comes_from_a_file(call, headrace, tmp_path):
    headrace.on("POST", f"{LETTERS}/0-7/replay", replayed("0-7"))
    (tmp_path / "fixed.json").write_text('{"type": "é"}', encoding="utf-8")
    assert call("dead-letters", "replay", "0-7", "--value", "fixed.json").code == 0
    assert headrace.sent("POST")[0].body == {"value": '{"type": "é"}'}


def test_a_value_that_is_no_text_is_refused(call, tmp_path):
    (tmp_path / "fixed.bin").write_bytes(b"\xff")
    result = call("dead-letters", "replay", "0-7", "--value", "fixed.bin")
    assert result.code == 1
    assert "UTF-8" in result.err


def test_a_replay_that_is_not_shown_yet_is_asked_for_until_it_is(call, headrace):
    command = f"/api/v1/commands/{COMMAND_ID}"
    headrace.on("POST", f"{LETTERS}/0-7/replay", {"command_id": COMMAND_ID}, status=202, Location=command)
    headrace.on("GET", command, {"command_id": COMMAND_ID, "status": "pending"})
    headrace.on("GET", command, {"command_id": COMMAND_ID, "status": "accepted"})
    assert call("dead-letters", "replay", "0-7").out == "0-7 was replayed: accepted\n"


@pytest.mark.parametrize("arguments", [["0-7", "1-2", "--value", "f"], ["--reason", "x", "--value", "f"], []])
def test_a_call_that_makes_no_sense_is_refused(call, headrace, tmp_path, arguments):
    (tmp_path / "f").write_text("{}")
    result = call("dead-letters", "replay", *arguments)
    assert result.code == 2
    assert headrace.requests == []


def test_nothing_to_replay_is_said(call, headrace):
    headrace.on("GET", LETTERS, page())
    result = call("dead-letters", "replay", "--reason", "nothing")
    assert (result.code, result.out) == (0, "")
    assert "there are no such dead letters" in result.err
