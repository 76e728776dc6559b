"""Read models without a database: complete, in step with the engine's own state, and legal in every history."""

import itertools
from collections import defaultdict

import msgspec
import pytest

from domain import command as c
from domain import contact, enrollment, execution
from domain import journal as j
from domain.definition import WorkflowArchived, WorkflowPaused, WorkflowResumed
from domain.ids import execution_id
from domain.times import format_time
from projections.changes import RowChanges
from projections.read_models import READ_MODELS, fold_definition_event, fold_journal_event
from projections.read_models.model import ReadModel
from projections.rows import Row
from projections.sql_text import as_stored
from projections.tables import contacts, incidents
from schemas.event_log import Record
from tests.support.engine_spec import DAY_MS, START_MS, Spec, step, workflow
from tests.support.journals import NOW, WORKFLOW, imported, published
from tests.support.random_lives import ACTIONS, EVENING, WORKFLOWS, random_life

EVERY_JOURNAL_EVENT = frozenset(j.AnyJournalEvent.__args__)
RECORD = Record(topic="headrace.journal", partition=3, offset=41, timestamp_ms=NOW, key=b"ada", value=b"")


def folded(events: list[j.JournalEvent], changes: RowChanges | None = None) -> RowChanges:
    changes = changes or RowChanges()
    for event in events:
        fold_journal_event(changes, event, RECORD)
    return changes


@pytest.mark.parametrize("model", [one for one in READ_MODELS if one.ignores], ids=lambda model: model.name)
def test_every_journal_event_is_folded_or_ignored_on_purpose(model: ReadModel) -> None:
    assert set(model.journal) | model.ignores == EVERY_JOURNAL_EVENT
    assert not set(model.journal) & model.ignores


def test_enrollments_executions_and_the_timeline_say_what_they_ignore() -> None:
    assert {model.name for model in READ_MODELS if model.ignores} == {"enrollments", "executions", "timeline"}


@pytest.mark.parametrize("seed", range(40))
def test_the_rows_show_what_the_engine_itself_knows(seed: int) -> None:
    spec = random_life(seed)
    changes = folded(spec.journal)

    row = changes.contacts.get("ada")
    assert row is not None
    known = msgspec.structs.asdict(spec.state.contact)
    known["custom_fields"] = as_stored(known["custom_fields"])
    known["first_name"] = as_stored(known["first_name"])
    known |= {"created_at": known.pop("created_at_ms"), "updated_at": known.pop("updated_at_ms")}
    assert {name: row[name] for name in known} == known
    assert row["last_sms_reply"] == spec.state.last_sms_reply

    ended = {e.enrollment_id for e in spec.journal if isinstance(e, j.EnrollmentCompleted | j.EnrollmentExited)}
    for one in spec.state.enrollments.values():
        if one.status in enrollment.CLOSED:
            continue
        row = changes.enrollments.get(one.id)
        assert row is not None
        assert (row["status"], row["version"], row["state"]) == (one.status, one.version, one.state)
        assert row["current_step"] == one.step_id
        assert row["next_action_at"] == _due(one, spec.journal)
        assert row["paused_by"] == one.paused_by
        assert row["awaits_event"] == one.awaits_event
        assert one.id not in ended
    open_now = {one.id for one in spec.state.enrollments.values() if one.status not in enrollment.CLOSED}
    rows = changes.enrollments.new
    assert {id_ for id_, row in rows.items() if row["status"] not in enrollment.CLOSED} == open_now
    for row in rows.values():
        closed = row["status"] in enrollment.CLOSED
        assert closed == (row["completed_at"] is not None)
        assert not closed or (row["current_step"], row["next_action_at"], row["paused_by"]) == (None, None, None)
        assert not (closed and row["awaits_event"])
        assert (row["exit_reason"] is not None) == (row["status"] in ("exited", "cancelled"))


def _due(one: enrollment.Enrollment, journal: list[j.JournalEvent]) -> int | None:
    """When an open enrollment waits to go on; a held one, when it should have."""
    if one.paused_by == "lateness":
        holds = [event for event in journal if isinstance(event, j.EnrollmentHeld) and event.enrollment_id == one.id]
        return holds[-1].due_at_ms
    return one.timer.due_at_ms if one.timer and one.timer.kind != "deadline" else None


@pytest.mark.parametrize("seed", range(40))
def test_an_execution_only_ever_changes_status_as_the_table_allows(seed: int) -> None:
    changes, histories = RowChanges(), defaultdict(list)
    for event in random_life(seed).journal:
        fold_journal_event(changes, event, RECORD)
        for id_, row in changes.executions.new.items():
            if histories[id_][-1:] != [row["status"]]:
                histories[id_].append(row["status"])
    assert histories
    for history in histories.values():
        for before, after in itertools.pairwise(history):
            assert after in execution.TRANSITIONS[before], history


@pytest.mark.parametrize("seed", range(40))
def test_no_execution_stays_open_in_an_enrollment_that_ended(seed: int) -> None:
    changes = folded(random_life(seed).journal)
    for row in changes.executions.new.values():
        parent = changes.enrollments.get(row["enrollment_id"])
        assert parent is not None
        if parent["status"] in enrollment.CLOSED:
            assert row["status"] not in ("pending", "running")
        if row["status"] == "running" and "delay_until" in row["output_data"] and parent["status"] == "active":
            assert row["output_data"]["delay_until"] == format_time(parent["next_action_at"])


@pytest.mark.parametrize("seed", range(10))
def test_every_event_of_a_contact_is_one_line_of_its_timeline(seed: int) -> None:
    journal = random_life(seed).journal
    lines = folded(journal).timeline
    assert [(line[0], line[1], line[2], line[3]) for line in lines] == [
        ("ada", event.seq, event.at_ms, msgspec.to_builtins(event)["type"]) for event in journal
    ]
    assert all(line[4] for line in lines)


# ---------------------------------------------------------------- a life in words


def _started() -> Spec:
    spec = Spec(*WORKFLOWS).created()
    return spec.started()


def _execution(changes: RowChanges, spec: Spec, step_id: str, visit: int = 1) -> Row:
    enrolled = next(event for event in spec.journal if isinstance(event, j.Enrolled))
    row = changes.executions.get(execution_id(enrolled.enrollment_id, step_id, visit))
    assert row is not None
    return row


def test_a_requested_message_is_pending_and_an_attempt_makes_it_run() -> None:
    spec = Spec(*WORKFLOWS).created()
    row = _execution(folded(spec.journal), spec, "sms")
    assert (row["status"], row["attempts"], row["started_at"]) == ("pending", 0, None)
    assert row["input_data"] == {"to": "+1555", "body": "Hi Ada"}
    row = _execution(folded(_started().journal), spec, "sms")
    assert (row["status"], row["attempts"], row["started_at"]) == ("running", 1, START_MS)


def test_a_failed_try_keeps_the_execution_running_and_says_why_and_when_again() -> None:
    spec = _started().outcome("failed", code="busy", message="try later", retryable=True)
    changes = folded(spec.journal)
    row = _execution(changes, spec, "sms")
    assert (row["status"], row["error_message"], row["completed_at"]) == ("running", "try later", None)
    enrolled = changes.enrollments.get(row["enrollment_id"])
    assert enrolled is not None
    assert enrolled["next_action_at"] > START_MS


def test_a_message_that_went_out_completes_and_the_wait_shows_its_due_time() -> None:
    spec = _started().outcome("succeeded", provider_id="SM1", output={"status": "queued"})
    changes = folded(spec.journal)
    sms, wait = _execution(changes, spec, "sms"), _execution(changes, spec, "wait")
    assert (sms["status"], sms["error_message"], sms["completed_at"]) == ("completed", None, START_MS)
    assert sms["output_data"]["status"] == "queued"
    assert (wait["status"], wait["output_data"]) == ("running", {"delay_until": format_time(START_MS + DAY_MS)})
    assert [line[4] for line in changes.timeline][-3:] == [
        "SMS sent by step sms",
        "Step sms completed",
        f"Waiting until {format_time(START_MS + DAY_MS)}",
    ]


def test_a_pause_moves_the_due_time_of_a_wait() -> None:

    spec = _started().outcome("succeeded").on_enrollment(c.PauseEnrollment)
    spec.on_enrollment(c.ResumeEnrollment, after_ms=5_000)
    changes = folded(spec.journal)
    wait = _execution(changes, spec, "wait")
    assert wait["output_data"] == {"delay_until": format_time(START_MS + DAY_MS + 5_000)}


def test_a_late_wait_is_held_and_a_repair_tells_who_did_what_and_why() -> None:
    spec = _started().outcome("succeeded")
    spec.hold_late_ms = 1
    spec.timer(after_ms=DAY_MS + 7_500_000)
    changes = folded(spec.journal)
    (row,) = changes.enrollments.new.values()
    assert (row["status"], row["paused_by"], row["next_action_at"]) == ("paused", "lateness", START_MS + DAY_MS)
    assert changes.timeline[-1][4] == "Held at step wait, which is 2 h 5 min late: a repair says what becomes of it"
    spec.on_enrollment(
        c.RepairEnrollment, step_id="wait", visit=1, how="skip", by="ana", note="outage of Friday"
    )  # fmt: skip
    changes = folded(spec.journal)
    (row,) = changes.enrollments.new.values()
    assert (row["status"], row["paused_by"], row["current_step"]) == ("active", None, "hook")
    assert [line[4] for line in changes.timeline][-3:-1] == [
        "Repaired by ana: step wait, 2 h 5 min late, is skipped: outage of Friday",
        "Step wait skipped: a repair said so",
    ]
    assert changes.timeline[-2][5]["reason"] == "repair"


def test_a_message_that_is_held_is_pending_until_its_window_opens() -> None:
    spec = Spec(workflow(step("sms", "send_sms", send_window=EVENING), id=ACTIONS)).created()  # at eight in the morning
    opens = "2027-01-15T17:00:00.000Z"
    changes = folded(spec.journal)
    (row,) = changes.enrollments.new.values()
    assert (row["status"], row["current_step"], format_time(row["next_action_at"])) == ("active", "sms", opens)
    held = _execution(changes, spec, "sms")
    assert (held["status"], held["output_data"]) == ("pending", {"reason": "send_window", "delay_until": opens})
    line = changes.timeline[-1]
    assert line[4] == f"Message of step sms held until {opens}: it is outside its send window"
    assert line[5]["until"] == opens
    spec.timer(after_ms=9 * 3_600_000)
    changes = folded(spec.journal)
    asked = _execution(changes, spec, "sms")
    assert (asked["status"], asked["output_data"]) == ("pending", {})
    assert next(iter(changes.enrollments.new.values()))["next_action_at"] is None


def test_a_refused_message_is_an_incident_and_a_retry_brings_it_back() -> None:

    spec = _started().outcome("failed", code="refused", message="no such number")
    changes = folded(spec.journal)
    row = _execution(changes, spec, "sms")
    assert (row["status"], row["error_message"]) == ("failed", "no such number")
    (incident,) = changes.incidents.new.values()
    assert (incident["status"], incident["step_id"], incident["workflow_id"]) == ("open", "sms", ACTIONS)
    spec.on_enrollment(c.RetryEnrollment, how="again")
    changes = folded(spec.journal)
    assert _execution(changes, spec, "sms")["status"] == "pending"
    (incident,) = changes.incidents.new.values()
    assert (incident["status"], incident["resolution"]) == ("resolved", "again")


def test_a_cancelled_attempt_is_skipped_and_its_late_outcome_changes_nothing() -> None:

    spec = _started().on_enrollment(c.CancelEnrollment)
    spec.outcome("succeeded", provider_id="SM1")
    changes = folded(spec.journal)
    row = _execution(changes, spec, "sms")
    assert (row["status"], row["output_data"]) == ("skipped", {})


def test_a_migrated_enrollment_and_a_skipped_trigger_are_shown() -> None:
    enrolled = next(event for event in _started().journal if isinstance(event, j.Enrolled))
    changes = folded([enrolled])
    head = {"seq": 9, "at_ms": NOW, "contact_id": "ada"}
    folded(
        [
            j.EnrollmentMigrated(**head, enrollment_id=enrolled.enrollment_id, version=2),
            j.TriggerSkipped(
                **head, workflow_id=WORKFLOW, version=1, trigger_type="manual", cause_seq=1, reason="reentry"
            ),
        ],
        changes,
    )
    row = changes.enrollments.get(enrolled.enrollment_id)
    assert row is not None
    assert row["version"] == 2
    assert changes.timeline[-1][4].startswith(f"Not enrolled in workflow {WORKFLOW} v1: its re-entry")


def test_a_contact_that_another_event_made_is_bare_until_it_is_created() -> None:
    spec = Spec().fact("contact.tag_added", {"tag": "x"})
    row = folded(spec.journal).contacts.get("ada")
    assert row is not None
    assert (row["created"], row["tags"]) == (False, ("x",))
    row = folded(spec.created(tags=["y"]).journal).contacts.get("ada")
    assert row is not None
    assert (row["created"], row["tags"], row["first_name"]) == (True, ("x", "y"), "Ada")


def test_an_echo_is_noted_and_changes_nothing() -> None:
    spec = Spec().created()
    echo = spec.journal[-1].id
    spec.fact("contact.field_updated", {"field": "first_name", "value": "Old"}, causation_id=echo)
    changes = folded(spec.journal)
    row = changes.contacts.get("ada")
    assert row is not None
    assert row["first_name"] == "Ada"
    assert changes.timeline[-1][4].startswith("Echo")


def test_the_first_result_of_a_command_stands() -> None:
    result = j.CommandResulted(
        seq=1, at_ms=NOW, contact_id="ada", command_id="c", command_type="enroll_contact", result="accepted"
    )
    changes = folded([result, msgspec.structs.replace(result, seq=2, result="duplicate")])
    assert [row["result"] for row in changes.command_results.new.values()] == ["accepted"]


def test_a_partition_shows_how_far_its_definitions_are_in_force() -> None:
    head = {"at_ms": NOW, "contact_id": j.PARTITION_KEY}
    changes = folded(
        [
            j.PartitionOpened(seq=1, fires_from_ms=0, **head),
            j.CatalogueAdvanced(seq=2, offset=5, **head),
            j.CatalogueReconciled(seq=3, offset=4, **head),
            j.InputsAdvanced(seq=4, **head),
        ]
    )
    assert changes.partitions.changed == {3: {"catalogue_offset": 5, "reconciled_offset": 4}}
    assert changes.timeline == []


# ---------------------------------------------------------------- definitions


def _workflow(*events: object) -> tuple[Row, dict[int, str]]:
    changes = RowChanges()
    for event in events:
        fold_definition_event(changes, event, RECORD)
    row = changes.workflows.get(WORKFLOW)
    assert row is not None
    return row, {version: one["status"] for (_, version), one in changes.versions.new.items()}


def test_a_workflow_is_a_draft_until_it_is_published() -> None:
    row, versions = _workflow(imported())
    assert (row["status"], row["version"], row["published_version"], versions) == ("draft", 1, None, {1: "draft"})
    row, versions = _workflow(imported(), published())
    assert (row["status"], row["published_version"], versions) == ("active", 1, {1: "published"})


def test_a_newly_published_version_retires_the_one_before() -> None:
    row, versions = _workflow(imported(), published(), imported(version=2, name="New"), published(version=2))
    assert (row["name"], row["version"], row["published_version"]) == ("New", 2, 2)
    assert versions == {1: "retired", 2: "published"}


def test_a_pause_survives_a_publish_and_ends_with_a_resume() -> None:

    head = {"at_ms": NOW + 1, "workflow_id": WORKFLOW, "command_id": "p"}
    made = (imported(), published(), WorkflowPaused(**head), imported(version=2), published(version=2))
    row, _ = _workflow(*made)
    assert (row["status"], row["paused_at"]) == ("paused", NOW + 1)
    row, _ = _workflow(*made, WorkflowResumed(**head))
    assert (row["status"], row["paused_at"]) == ("active", None)
    row, _ = _workflow(*made, WorkflowArchived(**head))
    assert row["status"] == "archived"


def test_the_attributes_of_a_contact_are_columns() -> None:

    assert set(contact.ATTRIBUTES) <= set(contacts.columns.keys())


def test_the_timeline_says_where_each_event_stands_in_the_journal() -> None:
    assert folded(Spec().created().journal).timeline[0][-1] == RECORD.offset


def test_when_definitions_came_into_force_is_kept_for_every_moment() -> None:
    head = {"at_ms": NOW, "contact_id": j.PARTITION_KEY}
    changes = folded([j.CatalogueAdvanced(seq=2, offset=5, **head)])
    assert list(changes.catalogue_advances.new.values()) == [{"partition": 3, "offset": 41, "catalogue_offset": 5}]


def test_while_its_provider_is_asked_a_step_runs_and_its_intent_is_unknown() -> None:
    spec = Spec(WORKFLOWS[0], ask_after_ms=(2_000,)).created().started().outcome("unknown", code="reset")
    changes = folded(spec.journal)
    (execution_,), (intent,) = changes.executions.new.values(), changes.ledger.new.values()
    (enrollment_,) = changes.enrollments.new.values()
    assert (execution_["status"], intent["outcome"]) == ("running", "unknown")
    assert enrollment_["next_action_at"] == spec.now_ms + 2_000
    spec.timer(after_ms=2_000).outcome("succeeded", question=1, provider_id="SM1")
    changes = folded(spec.journal)
    (intent,) = [row for row in changes.ledger.new.values() if row["step_id"] == "sms"]
    assert (intent["outcome"], intent["provider_id"], intent["attempts"]) == ("succeeded", "SM1", 1)


def test_a_callback_about_an_intent_that_stayed_unknown_shows_that_it_was_sent() -> None:
    spec = Spec(workflow(step("hi", "send_sms"))).created().started().outcome("unknown", code="reset")
    key = spec.enrollment().action.key
    of_step = {"enrollment_id": spec.enrollment().id, "action_key": key, "step_id": "hi", "visit": 1}
    spec.on_enrollment(c.CancelEnrollment)
    spec.command(c.ReportDelivery, **of_step, channel="sms", status="delivered", provider_id="SM1", recipient="+1555")
    row = folded(spec.journal).ledger.new[key]
    assert (row["outcome"], row["provider_id"], row["delivery"]) == ("succeeded", "SM1", "delivered")


def test_a_channel_whose_provider_is_down_is_one_incident_that_closes_itself() -> None:
    head = {"at_ms": NOW, "contact_id": j.PARTITION_KEY, "channel": "sms", "incident_id": WORKFLOW}
    changes = folded([j.ChannelPaused(seq=1, code="connect_failed", **head)])
    (incident,) = changes.incidents.new.values()
    assert (incident["code"], incident["status"], incident["contact_id"]) == ("channel_paused", "open", None)
    assert "connect_failed" in incident["message"]
    assert list(incident) == [column.name for column in incidents.columns]  # rows are written as they are
    changes = folded([j.ChannelResumed(seq=2, **head)], changes)
    (incident,) = changes.incidents.new.values()
    assert (incident["status"], incident["resolution"], incident["resolved_at"]) == ("resolved", "recovered", NOW)
