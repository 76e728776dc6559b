"""Recording what was late, held and repaired: the rehearsal is as late, is held, and is repaired to the same end."""

import pytest

from domain import command as c
from domain import journal as j
from domain.conditions import Comparison
from domain.lateness import HOLDER
from domain.masking import mask
from domain.recording import record
from domain.rehearsal import rehearse
from domain.workflow import Lateness as Rule
from domain.workflow import Retry
from domain.workflow_test import Lateness, Wish
from tests.support.engine_spec import DAY_MS, Spec, step, workflow

HOUR_MS = 3_600_000
SKIP = Rule(HOUR_MS, "skip")
EXIT = Rule(HOUR_MS, "exit")


def flow(*, wait=None, sms=None, hook=False, **of_sms):
    """A day's wait, a message (or a web request), and a mark that it got so far."""
    acts = step("act", "http_request" if hook else "send_sms", lateness=sms, **of_sms)
    return workflow(step("wait", "delay", lateness=wait), acts, step("mark", "add_tag", tag="x"))


ACTS = workflow(step("act", "send_sms"), step("mark", "add_tag", tag="x"))
PLAIN = flow()


def repair(spec, how, step_id, *, after_ms=0):
    spec.on_enrollment(c.RepairEnrollment, how=how, step_id=step_id, visit=1, by="ana", note="Ada", after_ms=after_ms)
    assert any(isinstance(event, j.EnrollmentRepaired) for event in spec.last), spec.last
    return spec


def later(spec, ms):
    spec.now_ms += ms
    return spec


def recorded(spec, version):
    """The test, which a rehearsal follows to the letter, masked or not."""
    (enrolled,) = [event for event in spec.journal if isinstance(event, j.Enrolled)]
    test = record(spec.journal, enrolled.enrollment_id, version)
    assert rehearse(test, version) == test.expects
    masked = mask(test, version).test
    assert rehearse(masked, version) == masked.expects
    assert did(masked) == did(test)
    return test


def did(test):
    return [(one.step, one.code or one.did) for one in test.expects.visits], test.expects.ends


def repairs(test):
    return [one for one in test.happens if isinstance(one, Wish)]


# ---------------------------------------------------------------- late by the definition's own rule


@pytest.mark.parametrize(
    ("version", "path"),
    [
        (flow(wait=SKIP, sms=Rule(9 * DAY_MS, "skip")), ([("wait", "late"), ("act", "completed"), ("mark", "completed")], "completed")),
        (flow(wait=EXIT), ([("wait", "late")], "exited")),
        (flow(sms=SKIP), ([("wait", "completed"), ("act", "late"), ("mark", "completed")], "completed")),
        (flow(sms=EXIT), ([("wait", "completed"), ("act", "late")], "exited")),
    ],
)  # fmt: skip
def test_a_wait_that_ended_too_late_is_as_late_in_the_test(version, path):
    spec = Spec(version).created().timer(after_ms=DAY_MS + 2 * HOUR_MS)
    if spec.state.enrollments:
        spec.started().outcome("succeeded")
    test = recorded(spec, version)

    assert test.late == (Lateness(step="wait", late_ms=2 * HOUR_MS),)
    assert did(test) == path


@pytest.mark.parametrize(("rule", "ends"), [(SKIP, "completed"), (EXIT, "exited")])
def test_an_attempt_that_could_begin_too_late_is_as_late_in_the_test(rule, ends):
    version = workflow(step("act", "send_sms", lateness=rule), step("mark", "add_tag", tag="x"))
    test = recorded(later(Spec(version).created(), 2 * HOUR_MS).started(), version)

    assert test.late == (Lateness(step="act", late_ms=2 * HOUR_MS),)
    assert (test.expects.visits[0].code, test.expects.ends) == ("late", ends)


def test_a_repeated_attempt_is_late_by_what_comes_after_its_back_off():
    retry = Retry(max_attempts=2, backoff_ms=5 * HOUR_MS, max_backoff_ms=5 * HOUR_MS)
    version = workflow(step("act", "send_sms", lateness=SKIP, retry=retry))

    def failed_once():
        return Spec(version).created().started().outcome("failed", code="busy", retryable=True)

    due_in_ms = failed_once().enrollment().timer.due_at_ms - failed_once().now_ms
    in_time = failed_once().timer(after_ms=due_in_ms + HOUR_MS).started().outcome("succeeded")
    late = later(failed_once().timer(after_ms=due_in_ms + HOUR_MS), 1).started()

    assert did(recorded(in_time, version)) == ([("act", "completed")], "completed")
    test = recorded(late, version)
    assert did(test) == ([("act", "late")], "completed")
    assert test.outcomes[0].retry_after_ms == due_in_ms
    assert test.late == (Lateness(step="act", attempt=2, late_ms=HOUR_MS + 1),)


def test_the_back_off_of_an_unknown_outcome_is_no_lateness_either():
    retry = Retry(max_attempts=2, backoff_ms=5 * HOUR_MS, max_backoff_ms=5 * HOUR_MS)
    version = workflow(step("act", "http_request", lateness=SKIP, retry=retry))
    spec = Spec(version).created().started().outcome("unknown", code="reset")
    spec.timer(after_ms=6 * HOUR_MS).started().outcome("succeeded")
    test = recorded(spec, version)

    assert (did(test), test.late) == (([("act", "completed")], "completed"), ())


def test_what_is_late_and_makes_no_difference_is_not_told():
    spec = later(Spec(ACTS).created(), 2 * HOUR_MS).started().outcome("succeeded", after_ms=700)
    test = recorded(spec, ACTS)

    assert test.late == ()
    assert [one.after_ms for one in test.outcomes] == [2 * HOUR_MS + 700], "the outcome comes when it came"


def test_an_outcome_comes_so_long_after_its_attempt_began():
    version = workflow(step("act", "send_sms"), step("wait", "delay"), step("more", "send_sms", lateness=SKIP))
    spec = later(Spec(version).created(), HOUR_MS // 2).started().outcome("succeeded", after_ms=700)
    spec.timer(after_ms=DAY_MS + HOUR_MS // 2)
    test = recorded(later(spec, HOUR_MS // 2 + 1).started(), version)

    assert [(one.step, one.late_ms) for one in test.late] == [("act", HOUR_MS // 2), ("wait", HOUR_MS // 2), ("more", HOUR_MS // 2 + 1)]  # fmt: skip
    assert test.outcomes[0].after_ms == 700
    assert test.expects.visits[-1].code == "late", "the wait's lateness and the attempt's add up"


def test_consent_that_ended_while_an_attempt_waited_keeps_it_from_being_made():
    spec = Spec(ACTS).created(phone="+15551234567")
    spec.command(c.ChangeConsent, channel="sms", address="+15551234567", allowed=False, reason="opted_out", after_ms=50)
    test = recorded(later(spec, 50).started(), ACTS)

    assert did(test) == ([("act", "opted_out"), ("mark", "completed")], "completed")
    assert test.late == (Lateness(step="act", late_ms=100),)


def test_a_wait_that_was_paused_is_late_by_what_comes_after_the_pause():
    yes = Comparison("last_sms_reply", "exists")
    version = workflow(
        step("wait", "delay"),
        step("replied", "condition", test=yes, branches={"true": "mark", "false": None}),
        step("mark", "add_tag", tag="x"),
    )
    spec = Spec(version).created().on_enrollment(c.PauseEnrollment, after_ms=HOUR_MS)
    spec.on_enrollment(c.ResumeEnrollment, after_ms=HOUR_MS)
    spec.fact("contact.sms_received", {"body": "hi"}, after_ms=DAY_MS + 3 * HOUR_MS // 2)
    spec.timer(after_ms=HOUR_MS // 2 + 1)
    test = recorded(spec, version)

    assert test.expects.visits[1].branch == "true"
    assert test.late == (Lateness(step="wait", late_ms=3 * HOUR_MS + 1),)


# ---------------------------------------------------------------- held


def held():
    """A wait that ended two hours late, and was held for that."""
    spec = Spec(PLAIN, hold_late_ms=HOUR_MS).created().timer(after_ms=DAY_MS + 2 * HOUR_MS)
    assert spec.enrollment().paused_by == HOLDER
    return spec


HELD = Lateness(step="wait", late_ms=2 * HOUR_MS, held=True)


def test_what_is_held_is_held_in_the_rehearsal():
    test = recorded(held(), PLAIN)

    assert test.late == (HELD,)
    assert did(test) == ([("wait", "waiting")], "held")


@pytest.mark.parametrize(
    ("how", "path"),
    [
        ("run", ([("wait", "completed"), ("act", "completed"), ("mark", "completed")], "completed")),
        ("skip", ([("wait", "repair"), ("act", "completed"), ("mark", "completed")], "completed")),
        ("exit", ([("wait", "repair")], "exited")),
    ],
)
def test_what_is_held_is_repaired_in_the_rehearsal(how, path):
    spec = repair(held(), how, "wait", after_ms=HOUR_MS)
    if spec.state.enrollments:
        spec.started().outcome("succeeded")
    test = recorded(spec, PLAIN)

    assert test.late == (HELD,)
    assert repairs(test) == [Wish(at_ms=DAY_MS + 3 * HOUR_MS, what="repair", how=how, step="wait")]
    assert did(test) == path


def test_a_held_attempt_that_is_repaired_may_be_held_once_more():
    spec = later(Spec(ACTS, hold_late_ms=HOUR_MS).created(), 2 * HOUR_MS).started()
    later(repair(spec, "run", "act", after_ms=HOUR_MS), 5 * HOUR_MS).started()
    repair(spec, "run", "act", after_ms=HOUR_MS).started().outcome("succeeded")
    test = recorded(spec, ACTS)

    assert [(one.step, one.late_ms, one.held) for one in test.late] == [
        ("act", 2 * HOUR_MS, True),
        ("act", 5 * HOUR_MS, True),
    ]
    assert [(one.what, one.at_ms) for one in repairs(test)] == [("repair", 3 * HOUR_MS), ("repair", 9 * HOUR_MS)]
    assert did(test) == ([("act", "completed"), ("mark", "completed")], "completed")


def test_a_definition_with_a_rule_of_its_own_is_not_held():
    test = recorded(repair(held(), "exit", "wait", after_ms=HOUR_MS), PLAIN)

    path = rehearse(test, flow(wait=Rule(HOUR_MS, "run"), sms=SKIP))

    assert [(one.step, one.code or one.did) for one in path.visits] == [("wait", "completed"), ("act", "late"), ("mark", "completed")]  # fmt: skip


# ---------------------------------------------------------------- repaired without being held


@pytest.mark.parametrize(("how", "came"), [("run", "completed"), ("skip", "repair"), ("exit", "repair")])
def test_a_late_wait_is_repaired(how, came):
    test = recorded(repair(Spec(PLAIN).created(), how, "wait", after_ms=2 * DAY_MS), PLAIN)

    assert test.late == (Lateness(step="wait", late_ms=DAY_MS),)
    assert test.expects.visits[0].did == ("completed" if how == "run" else "skipped")
    assert test.expects.visits[0].code == (None if came == "completed" else came)


@pytest.mark.parametrize(
    ("how", "path"),
    [
        ("run", ([("act", "completed"), ("mark", "completed")], "completed")),
        ("skip", ([("act", "repair"), ("mark", "completed")], "completed")),
        ("exit", ([("act", "repair")], "exited")),
    ],
)
def test_an_attempt_that_could_not_begin_is_repaired(how, path):
    strict = workflow(step("act", "send_sms", lateness=SKIP), step("mark", "add_tag", tag="x"))
    spec = repair(Spec(strict).created(), how, "act", after_ms=2 * HOUR_MS)
    if how == "run":
        later(spec, HOUR_MS).started().outcome("succeeded")
    test = recorded(spec, strict)

    assert test.late[0] == Lateness(step="act", late_ms=2 * HOUR_MS)
    assert did(test) == path


def test_a_late_retry_is_repaired():
    spec = Spec(ACTS).created().started().outcome("failed", code="busy", retryable=True)
    repair(spec, "run", "act", after_ms=2 * HOUR_MS).started().outcome("succeeded")
    test = recorded(spec, ACTS)

    assert did(test) == ([("act", "completed"), ("mark", "completed")], "completed")
    assert [one.what for one in repairs(test)] == ["repair"]


@pytest.mark.parametrize("how", ["run", "skip", "exit"])
def test_a_repair_of_a_failed_step_is_one_command(how):
    spec = Spec(ACTS).created().started().outcome("failed", code="connect_failed")
    repair(spec, how, "act", after_ms=HOUR_MS)
    if how == "run":
        spec.started().outcome("succeeded")
    test = recorded(spec, ACTS)

    assert [(one.what, one.how) for one in repairs(test)] == [("repair", how)]


def test_a_repair_of_a_paused_one_that_ends_it_is_one_command():
    spec = later(Spec(PLAIN).created(), DAY_MS + HOUR_MS).on_enrollment(c.PauseEnrollment)
    test = recorded(repair(spec, "exit", "wait", after_ms=HOUR_MS), PLAIN)

    assert [one.what for one in repairs(test)] == ["pause", "repair"]
    assert test.late == (Lateness(step="wait", late_ms=HOUR_MS),), "while it was paused it got no later"
    assert test.expects.ends == "exited"


def test_a_paused_one_that_is_repaired_stays_paused_until_it_is_resumed():
    spec = later(Spec(PLAIN).created(), DAY_MS + HOUR_MS).on_enrollment(c.PauseEnrollment)
    paused = recorded(repair(spec, "skip", "wait", after_ms=HOUR_MS), PLAIN)
    resumed = recorded(spec.on_enrollment(c.ResumeEnrollment, after_ms=HOUR_MS), PLAIN)

    assert did(paused) == ([("wait", "repair")], "paused")
    assert [one.what for one in repairs(resumed)] == ["pause", "repair", "resume"]
    assert did(resumed) == ([("wait", "repair"), ("act", "waiting")], "waiting")


def test_who_repaired_and_why_is_not_in_the_test():
    test = recorded(repair(held(), "run", "wait"), PLAIN)

    assert [word for word in ("ana", "'Ada'") if word in repr(repairs(test))] == []
