"""The sandbox and the engine of `headrace dev` together: replies, callbacks and consent, with nothing set up."""

import pytest
import requests

from tests.support.client import eventually
from tests.support.headrace import fresh, step


def told(headrace, path, **what):
    """Something that a person or a mailbox does, by the sandbox."""
    answer = requests.post(f"{headrace.sandbox}{path}", json=what, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()


def number():
    return f"+1555444{int(fresh('n').removeprefix('n-')):04}"


def email():
    return f"{fresh('ada')}@example.com"


def test_reply_that_is_typed_in_the_sandbox_reaches_the_contact(headrace):
    phone = number()
    contact_id = headrace.contact(phone=phone)
    name = fresh("word")
    workflow = headrace.workflow(
        step("t", "add_tag", tag="answered {{event.body}}"),
        trigger={"type": "sms_received", "config": {"contains": name}},
    )
    told(headrace, "/replies", **{"from": phone, "body": f"Yes, {name}"})
    (enrollment,) = eventually(lambda: headrace.enrollments(workflow, contact_id), "the reply's enrollment")
    headrace.until(enrollment["id"], "completed")
    assert headrace.get(f"/contacts/{contact_id}")["tags"] == [f"answered Yes, {name}"]


def test_delivery_of_an_sms_becomes_the_steps_status(headrace):
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), step("wait", "delay"))
    enrollment = headrace.enrol(workflow, headrace.contact(phone=number()))

    def status():
        found = [one for one in headrace.executions(enrollment) if one["step_id"] == "hi"]
        return found and found[0]["output_data"].get("status") == "delivered"

    eventually(status, "the SMS to be delivered")


def test_who_sends_stop_is_written_to_no_more(headrace):
    phone = number()
    contact_id = headrace.contact(phone=phone)
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), reentry="always")
    assert len(headrace.messages(headrace.run(workflow, contact_id))) == 1
    told(headrace, "/replies", **{"from": phone, "body": "stop"})
    consent = f"/contacts/{contact_id}/consent"
    eventually(lambda: "opted_out" in str(headrace.get(consent)), "the opt-out")
    enrollment = headrace.run(workflow, contact_id)
    assert headrace.execution(enrollment, "hi")["status"] == "skipped"
    assert headrace.requests(enrollment) == []
    told(headrace, "/replies", **{"from": phone, "body": "START"})
    eventually(lambda: "opted_out" not in str(headrace.get(consent)), "the opt-in")
    assert len(headrace.messages(headrace.run(workflow, contact_id))) == 1


@pytest.mark.parametrize(("event", "status"), [("click", "clicked"), ("bounce", "bounced")])
def test_what_a_mailbox_does_becomes_the_steps_status(headrace, event, status):
    workflow = headrace.workflow(step("mail", "send_email", subject="s", body="x"), step("wait", "delay"))
    enrollment = headrace.enrol(workflow, headrace.contact(email=email()))
    (message,) = eventually(lambda: headrace.messages(enrollment), "the e-mail")
    eventually(lambda: headrace.messages(enrollment)[0].get("status") == "delivered", "its delivery")
    told(headrace, "/events", provider_id=message["provider_id"], event=event)

    def seen():
        found = [one for one in headrace.executions(enrollment) if one["step_id"] == "mail"]
        return found and found[0]["output_data"].get("status") == status

    eventually(seen, f"the e-mail to be {status}")


def test_unknown_outcome_of_an_sms_is_settled_by_its_callback(headrace):
    """The connection broke after Twilio took it: the status callback shows that it did, and nothing is sent twice."""
    phone = number()
    headrace.fault(channel="sms", to=phone, kind="reset_after_accept", times=1)
    enrollment = headrace.run(headrace.workflow(step("hi", "send_sms", body="x")), headrace.contact(phone=phone))
    assert headrace.execution(enrollment, "hi")["status"] == "completed"
    assert len(headrace.requests(enrollment)) == 1
