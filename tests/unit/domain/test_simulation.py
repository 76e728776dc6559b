"""The dry run: the path a contact would take now, by the same `decide`."""

import pytest
from msgspec.structs import replace

from domain.conditions import Comparison
from domain.consent import Suppression
from domain.contact import Contact
from domain.frequency import FrequencyCap, Sent
from domain.send_window import SendWindow
from domain.simulation import MAX_STEPS, Assumed, dry_run
from domain.steps.wait_for_event import AwaitedDelivery
from domain.workflow import Trigger
from tests.support.engine_spec import DAY_MS, START_MS, step, workflow

ADA = Contact(id="ada", first_name="Ada", phone="+1555", source="facebook_ad", created=True, created_at_ms=1)


def test_path_with_rendered_texts_and_due_times():
    flow = workflow(
        step("hi", "send_sms", body="Hi {{first_name}}"),
        step("wait", "delay"),
        step(
            "check", "condition", test=Comparison("last_sms_reply", "exists"), branches={"true": None, "false": "tag"}
        ),
        step("tag", "add_tag", tag="cold"),
    )
    run = dry_run(flow, ADA, now_ms=START_MS)
    assert (run.enrolled, run.reason, run.ends) == (True, None, "completed")
    assert [(one.step_id, one.status, one.next, one.at_ms - START_MS) for one in run.steps] == [
        ("hi", "completed", "wait", 0),
        ("wait", "completed", "check", 0),
        ("check", "completed", "tag", DAY_MS),
        ("tag", "completed", None, DAY_MS),
    ]
    assert run.steps[0].input_data == {"to": "+1555", "body": "Hi Ada"}
    assert run.steps[1].output_data["delay_until"] == "2027-01-16T08:00:00.000Z"


def test_a_message_goes_when_its_window_opens():
    evening = SendWindow(from_minute=17 * 60, to_minute=22 * 60)
    run = dry_run(workflow(step("hi", "send_sms", send_window=evening), step("w", "delay")), ADA, now_ms=START_MS)
    hi = run.steps[0]
    assert (run.ends, hi.status) == ("completed", "completed")
    assert hi.output_data == {"reason": "send_window", "delay_until": "2027-01-15T17:00:00.000Z", "simulated": True}
    assert hi.input_data["body"] == "Hi"
    assert [one.at_ms - START_MS for one in run.steps] == [0, 9 * 3_600_000]  # it is eight in the morning


def test_a_message_over_its_cap_waits_for_the_ones_that_were_sent():
    cap = FrequencyCap(messages=2, span_ms=DAY_MS)
    flow = workflow(*[step(f"s{n}", "send_sms", frequency_cap=cap) for n in (1, 2)])
    sent = (Sent("sms", "other/hi/1", START_MS - 3_600_000),)
    first, second = dry_run(flow, ADA, now_ms=START_MS, sent=sent).steps
    assert first.output_data == {"simulated": True}
    assert second.output_data["reason"] == "frequency_cap"
    assert second.output_data["delay_until"] == "2027-01-16T07:00:00.000Z"


@pytest.mark.parametrize(("region", "status"), [("DE", "skipped"), (None, "completed")])
def test_an_address_that_opted_out_is_not_written_to(region, status):
    ada = replace(ADA, phone="0151 12345678")
    opted_out = (Suppression("sms", "+4915112345678", "opted_out", 1),)
    flow = workflow(step("hi", "send_sms"))
    run = dry_run(flow, ada, now_ms=START_MS, suppressions=opted_out, phone_region=region)
    assert run.steps[0].status == status


def test_contact_that_no_trigger_takes_in_is_told_why():
    rule = Comparison("source", "equals", "google")
    run = dry_run(workflow(step("w", "delay"), triggers=(Trigger("contact_created", {}, rule),)), ADA, now_ms=START_MS)
    assert not run.enrolled
    assert run.reason == "no trigger's conditions are met: source equals 'google' (it is 'facebook_ad')"
    assert run.steps == ()


def test_reentry_rules_hold():
    once = workflow(step("w", "delay"))
    assert "enrolled before" in dry_run(once, ADA, now_ms=START_MS, enrolled_before=True).reason
    after = workflow(step("w", "delay"), reentry="after_exit")
    assert dry_run(after, ADA, now_ms=START_MS, enrolled_before=True).enrolled
    assert "open enrollment" in dry_run(after, ADA, now_ms=START_MS, enrolled_now=True).reason


def test_step_that_would_fail_says_so():
    run = dry_run(workflow(step("hi", "send_sms")), Contact(id="x", created_at_ms=1), now_ms=START_MS)
    assert (run.ends, run.steps[0].status, run.steps[0].output_data["code"]) == ("failed", "failed", "no_phone")


def test_circle_of_waits_ends_at_the_step_limit():
    run = dry_run(workflow(step("a", "delay"), step("b", "add_tag", tag="x", next="a")), ADA, now_ms=START_MS)
    assert run.ends == "step_limit"
    assert len(run.steps) >= MAX_STEPS


def test_workflow_that_its_own_changes_would_start_again_is_run_once():
    flow = workflow(step("t", "add_tag", tag="x"), triggers=(Trigger("manual"), Trigger("tag_added")), reentry="always")
    assert [one.step_id for one in dry_run(flow, ADA, now_ms=START_MS).steps] == ["t"]


# ---------------------------------------------------------------- waits for events

YES = Trigger("sms_received", {"contains": "yes"})
CLICKED = AwaitedDelivery(step="mail", statuses=("clicked",))
OFFER = (
    step("mail", "send_email", to="ada@example.test"),
    step("answer", "wait_for_event", YES, CLICKED, seconds=86_400, branches={"timeout": "remind"}),
    step("thank", "add_tag", tag="{{steps.answer.output.type}}", next=None),
    step("remind", "add_tag", tag="cold"),
)


def test_nothing_comes_so_a_wait_takes_its_time_out():
    run = dry_run(workflow(*OFFER), ADA, now_ms=START_MS)

    assert [(one.step_id, one.status, one.next, one.at_ms - START_MS) for one in run.steps[1:]] == [
        ("answer", "completed", "remind", 0),
        ("remind", "completed", None, DAY_MS),
    ]
    assert run.steps[1].output_data == {"timed_out": True, "delay_until": "2027-01-16T08:00:00.000Z"}


def test_a_wait_without_a_time_out_is_where_it_ends():
    run = dry_run(workflow(step("answer", "wait_for_event", YES), step("w", "delay")), ADA, now_ms=START_MS)

    assert (run.ends, [(one.step_id, one.status) for one in run.steps]) == ("waiting", [("answer", "running")])
    assert run.steps[0].input_data == {"waits_for": ['an SMS is received (contains "yes")']}


@pytest.mark.parametrize(
    ("event", "tag"),
    [
        (Assumed(type="contact.sms_received", data={"body": "oh yes"}), "contact.sms_received"),
        (Assumed(type="delivery", data={"step": "mail", "status": "clicked"}), "delivery"),
    ],
)
def test_what_is_said_to_come_comes_when_the_contact_waits(event, tag):
    no = Assumed(type="contact.sms_received", data={"body": "no"})
    run = dry_run(workflow(*OFFER), ADA, now_ms=START_MS, events=(no, event))

    assert [one.step_id for one in run.steps] == ["mail", "answer", "thank"]
    assert run.steps[-1].input_data == {"tag": tag}


def test_what_comes_and_does_not_count_leaves_it_waiting():
    no = Assumed(type="contact.sms_received", data={"body": "no"})
    flow = workflow(step("answer", "wait_for_event", YES))

    assert dry_run(flow, ADA, now_ms=START_MS, events=(no,)).ends == "waiting"
