"""`headrace verify`: what it asks for, how it names what differs, and what it ends with."""

import pytest

from headrace.jobs.message import Progress, Report, encode_line

PATH = "/api/v1/jobs/verify"
COMPARED = {"offset": 9, "expected": "a" * 32, "found": "a" * 32, "ok": True}
DIFFERENCE = {
    "partition": 1,
    "contact_id": "ada",
    "table": "contacts",
    "key": "ada",
    "column": "first_name",
    "expected": "Ada",
    "found": "Eve",
}


def partition(number, **changes):
    one = {"partition": number, "ok": True, "events": 9, "folded": 4, "contacts": 3, "differing": 0, "differences": []}
    return {**one, "read_side": COMPARED, "store": None, "store_note": "no store on this machine", **changes}


def report(*differences, differing=0):
    last = partition(1, ok=not differences, read_side={**COMPARED, "found": "b" * 32} if differences else COMPARED)
    return {
        "ok": not differences,
        "seconds": 0.5,
        "events": 18,
        "folded": 8,
        "contacts": 6,
        "differing": differing,
        "differences": list(differences),
        "partitions": [partition(0), last],
    }


@pytest.fixture
def answer(headrace):
    def set_answer(found):
        lines = [encode_line(Progress(8, 8, "events", 16.0)), encode_line(Report(found, ok=found["ok"]))]
        headrace.on("POST", PATH, b"".join(lines), content_type="application/x-ndjson")

    return set_answer


def test_what_is_asked_for_is_sent_and_what_is_well_ends_with_0(call, headrace, answer):
    answer(report())
    ran = call("verify", "--partition", 1, "--workers", 2, "--from-start")
    assert ran.code == 0
    assert "8 of 18 journal events folded in 0.5 s (16/s)" in ran.out
    assert "ok: 6 contacts are as the journal says" in ran.out
    assert "no store on this machine" in ran.out
    (request,) = headrace.requests
    asked = {"from_start": True, "partition": 1, "workers": 2, "stores_only": False}
    assert request.body == asked


def test_what_differs_is_named_and_ends_with_1(call, answer):
    stray = {**DIFFERENCE, "contact_id": None, "table": "incidents", "key": "i", "column": "open rows", "expected": ["i"], "found": None}  # fmt: skip
    answer(report(DIFFERENCE, stray, differing=2))
    ran = call("verify")
    assert ran.code == 1
    assert "DIFFERS" in ran.out
    assert "2 differences:" in ran.out
    assert "contact ada: contacts.first_name: expected 'Ada', found 'Eve'" in ran.out
    assert 'no contact: incidents, open rows of i: expected ["i"], found nothing' in ran.out


def test_stores_of_a_machine_that_has_none_are_not_well(call, answer):
    answer({**report(), "partitions": [partition(0, read_side=None), partition(1, read_side=None)]})
    ran = call("verify", "--stores-only")
    assert ran.code == 1
    assert "nothing was compared" in ran.out
    assert "ok:" not in ran.out


def test_programs_get_the_whole_report(call, answer):
    answer(report(DIFFERENCE, differing=1))
    ran = call("verify", "--json")
    assert (ran.code, ran.json) == (1, report(DIFFERENCE, differing=1))
