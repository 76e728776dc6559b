"""Repair: what is late, or failed with its provider, runs now, is skipped, or ends; on the record, and once."""

import pytest

from domain import command as c
from domain.workflow import Lateness
from tests.support.engine_spec import DAY_MS, Spec, entry, happened, step, workflow

HOUR_MS = 3_600_000
WORKFLOW = workflow(step("wait", "delay"), step("remind", "send_sms"), step("end", "add_tag", tag="x"))


def repair(spec, how, step_id="wait", *, visit=1, after_ms=0, **fields):
    fields = {"by": "ana", "note": "the outage of Friday"} | fields
    return spec.on_enrollment(c.RepairEnrollment, how=how, step_id=step_id, visit=visit, after_ms=after_ms, **fields)


def late(*, by_ms=HOUR_MS, **spec):
    """A wait that ended `by_ms` ago, with nobody there to see it."""
    made = Spec(WORKFLOW, **spec).created()
    made.now_ms += DAY_MS + by_ms
    return made


def held():
    return late(hold_late_ms=1).timer()


def sent_and_failed(**outcome):
    spec = Spec(workflow(step("sms", "send_sms"), step("end", "add_tag", tag="x"))).created().started()
    return spec.outcome("failed", **({"code": "connect_failed", "retryable": False} | outcome))


REPAIRED = {"by": "ana", "message": "the outage of Friday"}


# ---------------------------------------------------------------- a late wait


def test_late_wait_runs_now():
    repair(late(), "run").then(
        happened("command_resulted", command_type="repair_enrollment", result="accepted"),
        happened("enrollment_repaired", step_id="wait", visit=1, how="run", late_ms=HOUR_MS, **REPAIRED),
        happened("step_completed", step_id="wait"),
        happened("action_requested", step_id="remind"),
    )


def test_late_wait_is_skipped():
    repair(late(), "skip").then(
        happened("command_resulted", result="accepted"),
        happened("enrollment_repaired", how="skip"),
        happened("step_skipped", step_id="wait", reason="repair", next_step="remind"),
        happened("action_requested", step_id="remind"),
    )


def test_late_wait_ends_the_enrollment():
    spec = repair(late(), "exit").then(
        happened("command_resulted", result="accepted"),
        happened("enrollment_repaired", how="exit"),
        happened("step_skipped", step_id="wait", reason="repair"),
        happened("enrollment_exited", reason="repair: wait"),
    )
    assert spec.state.enrollments == {}


STRICT = Lateness(1, "skip")


def test_repair_overrules_what_the_definition_says_of_its_step():
    spec = Spec(workflow(step("wait", "delay", lateness=STRICT), step("remind", "send_sms"))).created()
    repair(spec, "run", after_ms=2 * DAY_MS).then(
        happened("command_resulted"),
        happened("enrollment_repaired"),
        happened("step_completed", step_id="wait"),
        happened("action_requested", step_id="remind"),
    )
    spec = Spec(workflow(step("sms", "send_sms", lateness=STRICT))).created()
    repair(spec, "run", "sms", after_ms=HOUR_MS)
    spec.started().then(happened("attempt_started"))


@pytest.mark.parametrize("how", ["run", "skip"])
def test_steps_after_it_go_by_rules_of_their_own(how):
    spec = Spec(workflow(step("wait", "delay"), step("remind", "send_sms", lateness=STRICT))).created()
    repair(spec, how, after_ms=2 * DAY_MS)
    assert [event.__struct_config__.tag for event in spec.last][3:] == ["step_skipped", "enrollment_completed"]
    assert spec.last[3].reason == "late"


# ---------------------------------------------------------------- a held enrollment


def test_held_wait_runs_now_and_what_follows_is_not_held_again():
    spec = held()
    repair(spec, "run").then(
        happened("command_resulted", result="accepted"),
        happened("enrollment_repaired", how="run", late_ms=HOUR_MS),
        happened("step_completed", step_id="wait"),
        happened("action_requested", step_id="remind"),
    )
    assert spec.enrollment().status == "active"
    spec.started().then(happened("attempt_started"))


def test_held_one_gets_later_until_it_is_repaired():
    assert repair(held(), "run", after_ms=HOUR_MS).last[1].late_ms == 2 * HOUR_MS


@pytest.mark.parametrize(("how", "ends"), [("skip", "action_requested"), ("exit", "enrollment_exited")])
def test_held_wait_is_skipped_or_ends(how, ends):
    spec = repair(held(), how)
    assert spec.last[-1].__struct_config__.tag == ends


def test_held_action_runs_now():
    spec = Spec(workflow(step("sms", "send_sms")), hold_late_ms=1).created()
    spec.now_ms += HOUR_MS
    spec.started()
    assert spec.enrollment().paused_by == "lateness"
    repair(spec, "run", "sms").then(
        happened("command_resulted", result="accepted"), happened("enrollment_repaired", late_ms=HOUR_MS)
    )
    spec.started().then(happened("attempt_started", attempt=1))


# ---------------------------------------------------------------- a late action


def test_late_retry_runs_now():
    spec = Spec(workflow(step("sms", "send_sms"))).created().started()
    spec.outcome("failed", code="busy", retryable=True)
    repair(spec, "run", "sms", after_ms=HOUR_MS).then(
        happened("command_resulted"), happened("enrollment_repaired"), happened("retry_due", step_id="sms")
    )
    spec.started().then(happened("attempt_started", attempt=2))


def test_action_that_waits_for_its_attempt_is_skipped():
    spec = Spec(workflow(step("sms", "send_sms"), step("end", "add_tag", tag="x"))).created()
    repair(spec, "skip", "sms", after_ms=HOUR_MS)
    assert [event.__struct_config__.tag for event in spec.last][2:4] == ["step_skipped", "contact_changed"]


def test_attempt_under_way_is_left_alone():
    spec = Spec(workflow(step("sms", "send_sms"))).created().started()
    repair(spec, "skip", "sms", after_ms=HOUR_MS).then(
        happened("command_resulted", result="rejected", code="conflict", reason="an attempt is under way, or its provider is asked what became of it: its outcome comes first")
    )  # fmt: skip


# ---------------------------------------------------------------- a failed step


def test_step_that_failed_with_its_provider_runs_again():
    spec = sent_and_failed()
    repair(spec, "run", "sms", after_ms=HOUR_MS).then(
        happened("command_resulted", result="accepted"),
        happened("enrollment_repaired", how="run"),
        happened("incident_resolved", resolution="again"),
        happened("enrollment_retried", how="again"),
    )
    spec.started().then(happened("attempt_started", attempt=2))


def test_failed_step_is_skipped():
    spec = repair(sent_and_failed(), "skip", "sms")
    assert [event.__struct_config__.tag for event in spec.last][2:5] == [
        "incident_resolved",
        "enrollment_retried",
        "step_skipped",
    ]
    assert spec.last[-1].__struct_config__.tag == "enrollment_completed"


def test_failed_step_ends_the_enrollment():
    repair(sent_and_failed(), "exit", "sms").then(
        happened("command_resulted"),
        happened("enrollment_repaired", how="exit"),
        happened("incident_resolved", resolution="skip"),
        happened("enrollment_retried", how="skip"),
        happened("step_skipped", reason="repair"),
        happened("enrollment_exited", reason="repair: sms"),
    )


def test_message_of_unknown_outcome_is_never_sent_again_by_a_repair():
    spec = Spec(workflow(step("sms", "send_sms"))).created().started().outcome("unknown", code="timeout")
    repair(spec, "run", "sms").then(happened("command_resulted", result="rejected", code="outcome_unknown"))
    repair(spec, "skip", "sms")
    assert spec.last[0].result == "accepted"


# ---------------------------------------------------------------- paused ones


def paused_by_its_workflow():
    spec = late()
    spec.with_catalogue(entry(WORKFLOW, status="paused", paused_at_ms=spec.now_ms)).reconciled()
    assert spec.enrollment().status == "paused"
    return spec


def test_paused_enrollment_can_be_skipped_and_goes_on_when_it_is_resumed():
    spec = paused_by_its_workflow()
    repair(spec, "skip", after_ms=HOUR_MS).then(
        happened("command_resulted", result="accepted"),
        happened("enrollment_repaired", late_ms=HOUR_MS),
        happened("step_skipped", step_id="wait"),
    )
    spec.with_catalogue(entry(WORKFLOW, resumed_at_ms=spec.now_ms)).reconciled().then(
        happened("enrollment_resumed"), happened("action_requested", step_id="remind")
    )


def test_paused_enrollment_can_end():
    spec = repair(paused_by_its_workflow(), "exit")
    assert spec.last[-1].__struct_config__.tag == "enrollment_exited"


def test_paused_enrollment_does_not_run_before_it_is_resumed():
    repair(paused_by_its_workflow(), "run").then(happened("command_resulted", result="rejected", code="paused"))


# ---------------------------------------------------------------- an old plan


def test_what_went_on_by_itself_is_left_alone():
    spec = late().timer()
    repair(spec, "skip").then(happened("command_resulted", result="rejected", code="moved_on"))
    repair(spec, "skip", "remind", visit=2).then(happened("command_resulted", code="moved_on"))


def test_what_has_ended_is_left_alone():
    spec = late()
    enrollment_id = spec.enrollment().id
    spec.on_enrollment(c.CancelEnrollment)
    spec.command(
        c.RepairEnrollment, enrollment_id=enrollment_id, how="run", step_id="wait", visit=1
    ).then(happened("command_resulted", result="rejected", code="moved_on"))  # fmt: skip


def test_what_is_not_late_is_left_alone():
    spec = Spec(WORKFLOW).created()
    repair(spec, "skip").then(happened("command_resulted", result="rejected", code="not_late"))


def test_repair_that_comes_twice_counts_once():
    spec = late()
    repair(spec, "run", command_id="r1")
    spec.command(
        c.RepairEnrollment, enrollment_id=spec.enrollment().id, how="run", step_id="wait", visit=1, command_id="r1"
    ).nothing()


def test_unknown_way_of_repair_is_refused():
    repair(late(), "mend").then(happened("command_resulted", result="rejected", code="invalid"))
