"""What verify derives from the engine's state is what the read models show, in every history; told apart by a name."""

from typing import Any

import pytest

from domain import command as c
from domain import journal as j
from domain.evolve import initial
from projections.changes import RowChanges
from projections.read_models import fold_journal_event
from projections.read_models.executions import OPEN
from projections.sql_text import jsonb_text
from projections.verify.digest import add, digest_row
from projections.verify.expected import ContactRow, EnrollmentRow
from projections.verify.folded import Folded
from projections.verify.lines import line_of, value_of
from schemas.event_log import Record
from tests.support.engine_spec import DAY_MS, Spec
from tests.support.random_lives import WORKFLOWS, random_life

RECORD = Record(topic="headrace.journal", partition=0, offset=0, timestamp_ms=0, key=b"ada", value=b"")


def folded(events: list[j.JournalEvent]) -> Folded:
    one = Folded(initial("ada"))
    for event in events:
        one.fold(event)
    return one


def shown(events: list[j.JournalEvent]) -> tuple[ContactRow, list[EnrollmentRow]]:
    """The same rows, made of what the read models fold."""
    changes = RowChanges()
    for event in events:
        fold_journal_event(changes, event, RECORD)
    return shown_by(changes)


def shown_by(changes: RowChanges) -> tuple[ContactRow, list[EnrollmentRow]]:
    lines = {"timeline_lines": len(changes.timeline), "timeline_last_seq": max(line[1] for line in changes.timeline)}
    forbidden = [row for row in changes.consents.new.values() if not row["allowed"]]
    suppressed = sorted([row["channel"], row["address"], row["reason"], row["at"]] for row in forbidden)
    lines["suppressed"] = jsonb_text(suppressed)
    row = changes.contacts.get("ada")
    if row is None:
        return ContactRow("ada", **lines), []
    json = {name: jsonb_text(row[name]) for name in ("tags", "custom_fields")}
    contact = ContactRow("ada", **{**row, **json}, **lines)
    return contact, [_enrollment(changes, one) for one in changes.enrollments.new.values()]


def _enrollment(changes: RowChanges, row: dict[str, Any]) -> EnrollmentRow:
    executions = changes.executions.of(row["id"])
    incidents = [one for one in changes.incidents.new.values() if one["enrollment_id"] == row["id"]]
    known = {name: row[name] for name in EnrollmentRow.__struct_fields__ if name in row}
    return EnrollmentRow(
        **{**known, "state": jsonb_text(row["state"])},
        executions=len(executions),
        open_executions=jsonb_text(
            [
                [x["id"], x["step_id"], x["visit"], x["status"], x["attempts"], x["output_data"].get("delay_until")]
                for x in executions
                if x["status"] in OPEN
            ]
        ),
        open_incidents=jsonb_text([one["id"] for one in incidents if one["status"] == "open"]),
    )


@pytest.mark.parametrize("seed", range(60))
def test_after_every_transaction_of_every_life_the_state_gives_the_rows_that_the_read_models_give(seed: int) -> None:
    one, changes = Folded(initial("ada")), RowChanges()
    for transaction in random_life(seed).transactions:
        for event in transaction:
            one.fold(event)
            fold_journal_event(changes, event, RECORD)
        contact, enrollments = shown_by(changes)
        assert line_of(one.contact_row()) == line_of(contact)
        assert sorted(map(line_of, one.enrollment_rows())) == sorted(map(line_of, enrollments))


def test_the_digest_of_a_contact_is_the_sum_of_its_rows_also_when_settled_ones_were_forgotten() -> None:
    journal = random_life(3).journal
    contact, enrollments = shown(journal)
    one, forgetful = folded(journal), Folded(initial("ada"))
    for event in journal:
        forgetful.fold(event)
        forgetful.forget_settled()
    assert one.shown_digest() == add(map(digest_row, [contact, *enrollments]))
    assert forgetful.shown_digest() == one.shown_digest()
    assert forgetful.settled == []
    assert len(one.settled) > 1


# ---------------------------------------------------------------- single rows


def the_enrollment(spec: Spec) -> EnrollmentRow:
    (row,) = folded(spec.journal).enrollment_rows()
    return row


def test_a_wait_is_due_at_its_timer_and_its_execution_runs() -> None:
    spec = Spec(*WORKFLOWS).created().started().outcome("succeeded")
    row = the_enrollment(spec)
    assert (row.status, row.current_step, row.next_action_at) == ("active", "wait", spec.now_ms + DAY_MS)
    assert row.executions == 2
    ((_, step, visit, status, attempts, due),) = value_of(row, "open_executions")
    assert (step, visit, status, attempts) == ("wait", 1, "running", 0)
    assert due == "2027-01-16T08:00:00.000Z"


def test_the_deadline_of_an_attempt_is_no_action_of_the_contact() -> None:
    row = the_enrollment(Spec(*WORKFLOWS).created().started())
    assert row.next_action_at is None
    assert [one[3:5] for one in value_of(row, "open_executions")] == [["running", 1]]


def test_an_incident_is_open_and_its_execution_is_not() -> None:
    spec = Spec(*WORKFLOWS).created().started().outcome("failed", code="refused")
    row = the_enrollment(spec)
    assert (row.status, row.open_executions) == ("failed", "[]")
    assert value_of(row, "open_incidents") == [spec.enrollment().incident_id]


def test_a_cancelled_enrollment_keeps_its_row_while_and_after_its_attempt_is_settled() -> None:
    spec = Spec(*WORKFLOWS).created().started().on_enrollment(c.CancelEnrollment)
    row = the_enrollment(spec)
    assert (row.status, row.current_step, row.completed_at) == ("cancelled", None, spec.now_ms)
    spec.outcome("succeeded", provider_id="SM1", state={"n": 1})
    assert spec.state.enrollments == {}
    assert the_enrollment(spec).state == '{"n": 1}'


def test_an_action_that_the_engine_failed_before_its_first_attempt_is_pending_again_when_it_is_retried() -> None:
    spec = Spec(*WORKFLOWS).created()
    enrollment = spec.enrollment()
    stopped = j.IncidentOpened(
        seq=spec.state.seq + 1,
        at_ms=spec.now_ms,
        contact_id="ada",
        incident_id="i",
        code="engine_error",
        enrollment_id=enrollment.id,
        step_id="sms",
    )
    again = j.EnrollmentRetried(
        seq=stopped.seq + 1,
        at_ms=spec.now_ms,
        contact_id="ada",
        enrollment_id=enrollment.id,
        incident_id="i",
        how="again",
    )
    journal = [*spec.journal, stopped, again]
    assert folded(journal).enrollment_rows()[0].open_executions == shown(journal)[1][0].open_executions
    assert value_of(shown(journal)[1][0], "open_executions")[0][3] == "pending"


def test_who_said_stop_is_not_written_to_until_she_says_start() -> None:
    spec = Spec(*WORKFLOWS).created().fact("contact.sms_received", {"body": "Stop", "from": "+1555"})
    ((channel, address, reason, at_ms),) = value_of(folded(spec.journal).contact_row(), "suppressed")
    assert (channel, address, reason, at_ms) == ("sms", "+1555", "opted_out", spec.now_ms)
    assert folded(spec.journal).contact_row() == shown(spec.journal)[0]
    spec.fact("contact.sms_received", {"body": "START", "from": "+1555"})
    assert folded(spec.journal).contact_row().suppressed == "[]"
    assert folded(spec.journal).contact_row() == shown(spec.journal)[0]


def test_whom_only_a_rejected_command_speaks_of_has_a_timeline_and_no_row() -> None:
    spec = Spec(*WORKFLOWS).command(c.EnrollContact, workflow_id="w")
    assert folded(spec.journal).contact_row() == ContactRow("ada", timeline_lines=1, timeline_last_seq=1)
    assert shown(spec.journal)[0] == ContactRow("ada", timeline_lines=1, timeline_last_seq=1)
