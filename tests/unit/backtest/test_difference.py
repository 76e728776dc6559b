"""Who would be treated differently, and where their paths part."""

import msgspec

from domain.backtest.difference import Difference, change_of, first_turn
from domain.backtest.path import Path, Visit
from domain.backtest.tally import DateOf, Tally, add_up


def path(*visits: Visit, end="completed", at_ms=0, **fields) -> Path:
    fields = {"enrollment_id": "e", "workflow_id": "w", "trigger_type": "contact_created"} | fields
    return Path(enrolled_at_ms=at_ms, end=end, ended_ms=at_ms, visits=list(visits), **fields)


def visit(step_id="sms", **fields) -> Visit:
    fields = {
        "kind": "send_sms",
        "visit": 1,
        "at_ms": 0,
        "status": "completed",
        "channel": "sms",
        "content": 1,
    } | fields
    return Visit(step_id=step_id, **fields)


SENT = visit(outcome="succeeded", outcome_ms=0, parts=1)


def test_what_changes_for_a_contact():
    was = [path(SENT)]

    assert change_of([], was) == "gained"
    assert change_of(was, []) == "lost"
    assert change_of(was, [path(SENT, end="exited")]) == "path"
    assert change_of(was, [path(SENT), path(SENT)]) == "path"
    assert change_of(was, [path(visit(outcome="succeeded", content=2))]) == "content"
    assert change_of(was, [path(SENT, at_ms=1)]) == "times"
    assert change_of(was, [path(SENT, enrollment_id="other")]) == "same"


def test_paths_part_where_they_first_do_something_else():
    check = {"kind": "condition", "channel": None}
    yes = path(SENT, visit("check", branch="true", **check), visit("a"))
    no = path(SENT, visit("check", branch="false", **check), visit("b"))

    assert first_turn([yes], [no]) == ("check (condition): true", "check (condition): false")
    assert first_turn([], [no]) == ("not enrolled", "enrolled by contact_created")
    assert first_turn([path(SENT)], [path(SENT), path(SENT)]) == ("nothing more", "enrolled by contact_created")
    assert first_turn([yes], [yes]) is None


def test_samples_are_the_same_however_the_contacts_are_divided():
    contacts = [f"c{number}" for number in range(100)]
    whole, halves = Difference(), [Difference(), Difference()]
    for number, contact_id in enumerate(contacts):
        whole.add(contact_id, [], [path(SENT)], samples=3)
        halves[number % 2].add(contact_id, [], [path(SENT)], samples=3)
    merged = Difference()
    for half in halves:
        merged.merge(half, samples=3)

    assert sorted(one[1] for one in merged.samples["gained"]) == sorted(one[1] for one in whole.samples["gained"])
    assert len(whole.samples["gained"]) == 3
    assert (merged.changes, merged.turns) == (whole.changes, whole.turns)
    assert whole.changed == 100


def test_no_samples_are_kept_when_none_are_wanted():
    difference = Difference()
    difference.add("c", [], [path(SENT)], samples=0)

    assert difference.samples["gained"] == []


def test_tallies_of_different_contacts_add_up():
    date_of, whole, parts = DateOf(), Tally(), [Tally(), Tally()]
    paths = [path(SENT), path(SENT, visit("check", channel=None, branch="true")), path(end="failed", reason="no_phone")]
    for number, one in enumerate(paths):
        whole.add(one, date_of)
        parts[number % 2].add(one, date_of)

    assert msgspec.to_builtins(add_up(parts)) == msgspec.to_builtins(whole)
    assert (whole.messages, whole.sms_parts, whole.failures) == (2, 2, {"no_phone": 1})
    assert whole.days["1970-01-01"].messages == 2
    assert whole.steps["check"].branches == {"true": 1}


def test_each_tally_counts_for_itself():
    """A default that is shared would add one up in another."""
    first = Tally()
    first.add(path(SENT), DateOf())

    assert (Tally().ends["completed"], Tally().steps, Difference().changes["same"]) == (0, {}, 0)
