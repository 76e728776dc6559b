"""Recording waits for events: the rehearsal hears what came when it came, and takes the recorded path."""

import pytest

from domain import command as c
from domain.ids import action_key
from domain.masking import mask
from domain.path import Visit
from domain.rehearsal import rehearse
from domain.steps.wait_for_event import AwaitedDelivery
from domain.workflow import Trigger
from tests.support.engine_spec import DAY_MS, Spec, step, workflow
from tests.unit.domain.test_recording import recorded

YES = Trigger("sms_received", {"contains": "yes"})
DELIVERED = AwaitedDelivery(step="hi", statuses=("delivered",))
FLOW = workflow(
    step("hi", "send_sms"),
    step("there", "wait_for_event", DELIVERED, seconds=3_600),
    step("answer", "wait_for_event", YES, seconds=86_400, branches={"timeout": "cold"}),
    step("thank", "send_sms", body="You said {{steps.answer.output.data.body}}", next=None),
    step("cold", "add_tag", tag="cold"),
)


def delivered(spec: Spec, **fields) -> Spec:
    one = spec.enrollment()
    about = {"enrollment_id": one.id, "step_id": "hi", "visit": 1, "action_key": action_key(one.id, "hi", 1)}
    return spec.command(c.ReportDelivery, **about, channel="sms", status="delivered", **fields)


def taken() -> Spec:
    return Spec(FLOW).created().started().outcome("succeeded", provider_id="SM1")


def waiting() -> Spec:
    return delivered(taken(), after_ms=60_000)


def replied(spec: Spec, body: str = "oh yes", **fields) -> Spec:
    return spec.fact("contact.sms_received", {"body": body}, **fields)


HAPPENED = {
    "what it waited for came": lambda: replied(replied(waiting(), "no"), after_ms=3_600_000),
    "it timed out": lambda: waiting().timer(after_ms=DAY_MS),
    "it timed out, late": lambda: waiting().timer(after_ms=2 * DAY_MS),
    "it came when the time was over, and before that was noticed": lambda: replied(waiting(), after_ms=2 * DAY_MS),
    "it came in a pause": lambda: replied(waiting().on_enrollment(c.PauseEnrollment), after_ms=5).on_enrollment(c.ResumeEnrollment),
    "it still waits": lambda: replied(waiting(), "no"),
    "the delivery came before the outcome, and settled it": lambda: delivered(Spec(FLOW).created().started()),
    "the delivery never came": lambda: taken().timer(after_ms=3_600_000),
}  # fmt: skip


@pytest.mark.parametrize("case", HAPPENED)
def test_what_happened_is_rehearsed_to_the_letter(case):
    test = recorded(HAPPENED[case](), FLOW)

    assert rehearse(test, FLOW) == test.expects


def test_the_path_says_how_a_wait_ended_and_how_long_it_might_have_lasted():
    visits = [
        recorded(HAPPENED[case](), FLOW).expects.visits[2] for case in HAPPENED if "time" in case or "still" in case
    ]

    assert visits == [
        Visit(step="answer", did="completed", branch="timeout", waits_ms=DAY_MS),
        Visit(step="answer", did="completed", branch="timeout", waits_ms=DAY_MS),
        Visit(step="answer", did="completed", branch="received"),
        Visit(step="answer", did="waiting", waits_ms=DAY_MS),
    ]


def test_masked_the_reply_keeps_what_the_wait_looks_for():
    masked = mask(recorded(HAPPENED["what it waited for came"](), FLOW), FLOW, words=("yes",))

    assert masked.kept == ()
    assert [visit.branch for visit in masked.test.expects.visits if visit.step == "answer"] == ["received"]
    assert masked.test.happens[-1].data == {"body": "message 2: yes"}
