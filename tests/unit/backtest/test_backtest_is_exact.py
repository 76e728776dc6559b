"""The backtest of the version that really ran gives exactly what happened: every event, in order, to the millisecond."""

import random

import pytest
from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue
from domain.workflow import Trigger
from tests.support.backtests import backtest, backtest_spec
from tests.support.engine_spec import Spec, step, workflow
from tests.support.random_histories import EVENING, WORKFLOWS, History

TESTED = pytest.mark.parametrize("tested", WORKFLOWS, ids=["actions", "tags", "replies"])


@TESTED
@pytest.mark.parametrize("seed", range(100))
def test_what_the_version_that_ran_would_have_done_is_what_it_did(tested, seed):
    history = History(seed)

    simulated, real = backtest(history.happened, tested, until_ms=history.until_ms, seed=seed).told()

    assert simulated == real


@TESTED
@pytest.mark.parametrize("seed", range(50))
def test_so_it_is_when_the_window_begins_in_the_middle(tested, seed):
    history = History(seed)
    since_ms = random.Random(seed).choice(history.events).at_ms

    found = backtest(history.happened, tested, since_ms=since_ms, until_ms=history.until_ms, seed=seed)

    simulated, real = found.told()
    assert simulated == real
    assert all(event.at_ms >= since_ms for event in found.simulated)


def test_consent_for_a_number_without_a_country_code_is_that_of_the_region():
    flow = workflow(step("hi", "send_sms"), triggers=(Trigger("tag_added", {"tag": "go"}),))
    spec = Spec(flow, phone_region="DE").created(phone="0151 12345678")
    spec.fact("contact.sms_received", {"body": "stop", "from": "+4915112345678"}).fact(
        "contact.tag_added", {"tag": "go"}
    )

    simulated, real = backtest_spec(spec, flow).told()
    assert simulated == real
    assert [event["type"] for event in real] == ["enrolled", "step_skipped", "enrollment_completed"]
    simulated, _ = backtest_spec(spec, flow, phone_region=None).told()
    assert "action_requested" in [event["type"] for event in simulated]


def test_the_histories_hold_everything_that_can_happen():
    """Else the tests above would be true of nothing."""
    kinds, started = set(), 0
    for seed in range(100):
        history = History(seed)
        for tested in WORKFLOWS:
            real = backtest(history.happened, tested, until_ms=history.until_ms, seed=seed).real
            kinds |= {type(event) for event in real}
            started += sum(isinstance(event, j.Enrolled) and event.workflow_id != tested.id for event in real)

    told = {kind for kind in j.AnyJournalEvent.__args__ if "enrollment_id" in kind.__struct_fields__}
    about_enrollments = (told | {j.ConsentChanged}) - {j.CommandResulted, j.EnrollmentMigrated}
    assert kinds == about_enrollments
    assert started > 50, "the tested workflow's changes start others"


def test_what_two_held_messages_come_to_on_a_resume_is_one_decision_with_the_command_that_was_waiting():
    """The walk has not reached the contact yet, so the command's decision brings it in line first."""
    flow = workflow(step("mail", "send_email", to="a@example.test", send_window=EVENING), reentry="always")
    spec = Spec(flow).created().command(c.EnrollContact, workflow_id="w")
    happened = [("advanced", Catalogue(entries=dict(spec.entries)), 0), *spec.transactions]

    def advanced(**changes):
        spec.entries["w"] = replace(spec.entries["w"], **changes)
        happened.append(("advanced", Catalogue(entries=dict(spec.entries)), spec.now_ms))

    def then(decide):
        decide()
        happened.append(spec.last)

    advanced(status="paused", paused_at_ms=spec.now_ms)
    then(spec.reconciled)
    spec.now_ms += 10 * 3_600_000
    advanced(status="active", resumed_at_ms=spec.now_ms)
    first, second = spec.state.enrollments
    then(lambda: spec.command(c.PauseEnrollment, enrollment_id=first))
    assert [type(event) for event in spec.last[:4]] == [j.EnrollmentResumed, j.ActionRequested] * 2
    then(lambda: spec.when(spec.start_of(spec.state.enrollments[second]), after_ms=1_000))

    simulated, real = backtest(happened, flow, until_ms=spec.now_ms + 1).told()
    assert simulated == real
