"""`headrace rebuild`: what it asks for, how it names what differs, and what it ends with."""

import json

import pytest

from headrace.jobs.message import Failure, Progress, Report, encode_line

PATH = "/api/v1/jobs/rebuild"
EQUAL = {"table": "contacts", "equal": True, "rows_live": 3, "rows_rebuilt": 3, "differing": 0, "first": []}
COLUMNS = [{"column": "first_name", "live": "Eve", "rebuilt": None}]
DIFFERENT = {
    **EQUAL,
    "equal": False,
    "differing": 2,
    "first": [
        {"key": {"id": "ada"}, "found": "in both", "columns": COLUMNS},
        {"key": {"id": "bob"}, "found": "rebuilt only", "columns": []},
    ],
}


def report(result, *tables, **changes):
    found = {
        "projections": ["contacts"],
        "result": result,
        "resumed": False,
        "anew": None,
        "records": 90,
        "seconds": 0.5,
    }
    return {**found, "tables": list(tables), "previous": None, "reads_paused_ms": 12.3, **changes}


@pytest.fixture
def answer(headrace):
    def set_answer(found):
        lines = [
            encode_line(Progress(90, 90, "records", 180.0)),
            encode_line(Report(found, ok=found["result"] != "kept")),
        ]
        headrace.on("POST", PATH, b"".join(lines), content_type="application/x-ndjson")

    return set_answer


def test_what_is_asked_for_is_sent_and_a_swap_ends_with_0(call, headrace, answer):
    answer(report("swapped", DIFFERENT))
    ran = call("rebuild", "contacts", "--workers", 2)
    assert ran.code == 0
    assert "90 records projected in 0.5 s, 180 a second" in ran.out
    assert 'contacts, id "ada": first_name "Eve" in live, null rebuilt' in ran.out
    assert 'contacts, id "bob": rebuilt, not in live' in ran.out
    assert "waited 12 ms at most" in ran.out
    (request,) = headrace.requests
    assert request.body == {
        "projections": ["contacts"],
        "swap": True,
        "fail_if_different": False,
        "rollback": False,
        "workers": 2,
    }


@pytest.mark.parametrize(
    ("option", "field"), [("--no-swap", ("swap", False)), ("--fail-if-different", ("fail_if_different", True))]
)
def test_live_that_differs_and_stays_ends_with_1(call, headrace, answer, option, field):
    answer(report("kept", DIFFERENT))
    ran = call("rebuild", option)
    assert (ran.code, headrace.requests[0].body[field[0]]) == (1, field[1])
    assert "stays as it is" in ran.out


def test_what_an_earlier_rebuild_left_is_told(call, answer):
    answer(report("equal", EQUAL, resumed=True))
    assert "from where an earlier rebuild had stopped" in call("rebuild").out


def test_what_was_no_use_of_an_earlier_rebuild_is_told(call, answer):
    answer(report("equal", EQUAL, anew="they were made from another log"))
    assert "no use: they were made from another log" in call("rebuild").err


def test_as_json_it_is_the_report(call, answer):
    found = report("rolled_back", tables=None)
    answer(found)
    ran = call("rebuild", "--rollback", "--json")
    assert json.loads(ran.out) == found


def test_a_refusal_says_why_and_ends_with_1(call, headrace):
    failure = encode_line(Failure(422, "unknown_projection", "expected one of the projections contacts, found 'x'"))
    headrace.on("POST", PATH, failure, content_type="application/x-ndjson")
    ran = call("rebuild", "x")
    assert ran.code == 1
    assert "expected one of the projections contacts" in ran.err
