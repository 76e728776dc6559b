"""Deliveries: what a provider says of a message later. Reports come twice and out of order; the furthest one stands."""

import pytest

from domain import command as c
from domain.delivery import RANKS, is_newer
from tests.support.engine_spec import Spec, happened, step, workflow

FLOW = workflow(step("hi", "send_sms"), step("after", "delay"))
EMAIL = workflow(step("hi", "send_email"), step("after", "delay"))


def sent(flow=FLOW, **contact):
    spec = Spec(flow).created(**contact).started()
    return spec.outcome("succeeded", provider_id="SM1", output={"status": "queued"})


def report(spec, status, **fields):
    enrollment = spec.enrollment()
    given = {
        "action_key": f"{enrollment.id}/hi/1",
        "channel": "sms",
        "provider_id": "SM1",
        "recipient": "+1555",
    } | fields
    return spec.command(c.ReportDelivery, enrollment_id=enrollment.id, step_id="hi", visit=1, status=status, **given)


def status_of(spec):
    return spec.enrollment().outputs["hi"]["status"]


def test_a_report_is_a_fact_and_conditions_read_its_status():
    spec = sent()
    report(spec, "delivered").then(happened("delivery_reported", status="delivered", provider_id="SM1", step_id="hi"))
    assert status_of(spec) == "delivered"
    assert spec.enrollment().outputs["hi"]["message_id"] == "SM1"


def test_a_late_report_of_an_earlier_status_changes_nothing():
    spec = sent()
    report(spec, "delivered")
    report(spec, "sent").then(happened("delivery_reported", status="sent"))
    assert status_of(spec) == "delivered"


def test_the_same_report_counts_once():
    spec = sent()
    report(spec, "sent", command_id="same")
    report(spec, "sent", command_id="same").nothing()


def test_a_report_settles_an_attempt_whose_outcome_is_unknown():
    spec = Spec(FLOW).created().started().outcome("unknown", code="timeout")
    assert spec.enrollment().status == "failed"
    report(spec, "sent").then(
        happened("incident_resolved", resolution="outcome"),
        happened("enrollment_retried", how="succeeded"),
        happened("attempt_succeeded", provider_id="SM1"),
        happened("step_completed", output__status="sent"),
        happened("delivery_reported"),
        happened("timer_set"),
    )


def test_a_report_may_come_before_the_providers_own_answer():
    spec = Spec(FLOW).created().started()
    report(spec, "sent").then(
        happened("attempt_succeeded"), happened("step_completed"), happened("delivery_reported"), happened("timer_set")
    )
    assert status_of(spec) == "sent"


def test_a_message_that_failed_on_its_way_was_taken_all_the_same():
    spec = Spec(FLOW).created().started()
    report(spec, "undelivered", code="30003").then(
        happened("attempt_succeeded"),
        happened("step_completed"),
        happened("delivery_reported", status="undelivered", code="30003"),
        happened("timer_set"),
    )


def test_a_report_about_an_enrollment_that_has_ended_is_still_a_fact():
    spec = Spec(workflow(step("hi", "send_sms"))).created().started()
    enrollment_id = spec.enrollment().id
    spec.outcome("succeeded", provider_id="SM1")
    spec.command(
        c.ReportDelivery, enrollment_id=enrollment_id, step_id="hi", visit=1, status="delivered", channel="sms",
        action_key=f"{enrollment_id}/hi/1", provider_id="SM1", recipient="+1555",
    ).then(happened("delivery_reported", status="delivered"))  # fmt: skip


@pytest.mark.parametrize(
    ("status", "reason"),
    [("bounced", "bounced"), ("unsubscribed", "opted_out"), ("spam_reported", "spam_reported")],
)
def test_an_address_that_bounces_or_complains_is_not_written_to_again(status, reason):
    spec = sent(EMAIL, email="ada@example.com")
    report(spec, status, channel="email", recipient="Ada@Example.com").then(
        happened("delivery_reported", status=status),
        happened("consent_changed", channel="email", allowed=False, reason=reason, address="ada@example.com"),
    )


def test_a_soft_bounce_is_no_reason_to_stop():
    spec = sent(EMAIL, email="ada@example.com")
    report(spec, "deferred", channel="email", recipient="ada@example.com").then(happened("delivery_reported"))


def test_every_status_has_its_rank_and_what_is_unknown_ranks_lowest():
    assert is_newer("queued", "delivered")
    assert is_newer(None, "queued")
    assert is_newer("delivered", "bounced")  # a receiving server may say so later
    assert not is_newer("clicked", "opened")
    assert not is_newer("delivered", "something new")
    assert all(not is_newer(status, status) for status in RANKS)
