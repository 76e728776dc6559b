"""DESIGN 5.3, 6 and the send ledger: consent, signed callbacks, and an audit that counts."""

import json
import os
import subprocess
import sys
from urllib.parse import urlencode, urlsplit

import requests
from twilio.request_validator import RequestValidator

from tests.support.dev_process import eventually
from tests.support.headrace import fresh, step

TOKEN = "sandbox"
ACCOUNT = "AC" + "0" * 32


def callback(headrace, path, form, *, token=TOKEN, expect=(200, 204)):
    """A callback as Twilio sends it: signed for exactly this address."""
    url = path if path.startswith("http") else f"{headrace.url}/api/v1{path}"
    headers = {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, form)}
    answer = requests.post(url, data=form, headers=headers, timeout=30)
    assert answer.status_code in expect, answer.text


def number():
    return f"+1555{int(fresh('n').split('-')[1]) + 3_000_000:07d}"


def test_a_stop_ends_messages_and_a_start_lets_them_go_on(headrace):
    phone = number()
    contact = headrace.contact(phone=phone)
    callback(headrace, "/webhooks/twilio/sms", {"MessageSid": fresh("SM"), "From": phone, "To": "+1", "Body": "Stop"})
    eventually(lambda: headrace.get(f"/contacts/{contact}/consent")["items"], "the opt-out")
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), reentry="always")
    stopped = headrace.run(workflow, contact)
    assert headrace.execution(stopped, "hi")["status"] == "skipped"
    assert headrace.execution(stopped, "hi")["output_data"] == {"reason": "opted_out"}
    assert headrace.messages(stopped) == []
    callback(headrace, "/webhooks/twilio/sms", {"MessageSid": fresh("SM"), "From": phone, "To": "+1", "Body": "START"})
    eventually(lambda: headrace.get(f"/contacts/{contact}/consent")["items"][0]["allowed"], "the opt-in")
    assert len(headrace.messages(headrace.run(workflow, contact))) == 1


def test_consent_can_be_changed_by_hand(headrace):
    contact = headrace.contact()
    path = f"/contacts/{contact}/consent"
    told = headrace.post(path, {"channel": "email", "allowed": False})
    assert [(one["channel"], one["address"], one["allowed"]) for one in told["items"]] == [
        ("email", "ada@example.com", False)
    ]
    assert headrace.post(path, {"channel": "email", "allowed": True})["items"][0]["allowed"]
    assert headrace.post(path, {"channel": "fax", "allowed": True}, expect=422)["code"] == "invalid_body"


def test_an_sms_that_came_by_the_webhook_is_the_contacts_reply(headrace):
    phone = number()
    contact = headrace.contact(phone=phone)
    form = {"MessageSid": fresh("SM"), "From": phone, "To": "+1", "Body": "Is it free?"}
    for _ in range(2):  # Twilio may tell it twice
        callback(headrace, "/webhooks/twilio/sms", form)
    heard = eventually(
        lambda: [one for one in headrace.timeline(contact) if one["data"].get("event_type") == "contact.sms_received"],
        "the reply",
    )
    assert len(heard) == 1
    callback(headrace, "/webhooks/twilio/sms", form, token="forged", expect=(403,))


def test_a_delivery_is_shown_and_read_by_conditions(headrace):
    workflow = headrace.workflow(
        step("hi", "send_sms", body="x"),
        step("wait", "delay", duration=2),
        step("look", "condition", field="steps.hi.output.status", operator="equals", value="delivered"),
    )
    contact = headrace.contact()
    enrollment = headrace.enrol(workflow, contact)
    (message,) = eventually(lambda: headrace.messages(enrollment), "the message")
    address = message["status_callback"]
    assert urlsplit(address).path == "/api/v1/webhooks/twilio/status"
    for status in ("sent", "delivered", "sent"):  # out of order, too
        form = {"MessageSid": message["provider_id"], "MessageStatus": status, "To": message["to"]}
        callback(headrace, address, form, expect=(204,))
    headrace.until(enrollment["id"], "completed")
    assert headrace.execution(enrollment, "hi")["output_data"]["status"] == "delivered"
    assert headrace.execution(enrollment, "look")["output_data"]["branch"] == "true"
    (entry,) = headrace.get(f"/ledger?{urlencode({'contact_id': contact})}")["items"]
    assert (entry["outcome"], entry["delivery"], entry["attempts"]) == ("succeeded", "delivered", 1)
    assert entry["provider_id"] == message["provider_id"]


def test_a_wait_for_a_delivery_or_a_reply_ends_with_the_first_of_them(headrace):
    delivered = {"type": "delivery", "config": {"step": "hi", "status": "delivered"}}
    replied = {"type": "sms_received", "config": {"contains": "yes"}}
    workflow = headrace.workflow(
        step("hi", "send_sms", body="x"),
        step("there", "wait_for_event", event=delivered, timeout="2d"),
        step("known", "wait_for_event", event=delivered, timeout="2d"),
        step("answer", "wait_for_event", event=["basket.paid", replied]),
        step("note", "update_field", field="said", value="{{steps.answer.output.data.body}}"),
    )
    contact = headrace.contact()
    enrollment = headrace.enrol(workflow, contact)
    (message,) = eventually(lambda: headrace.messages(enrollment), "the message")
    form = {"MessageSid": message["provider_id"], "MessageStatus": "delivered", "To": message["to"]}
    callback(headrace, message["status_callback"], form, expect=(204,))

    waiting = headrace.step(enrollment, "answer", "running")
    assert (waiting["status"], waiting["output_data"]) == ("running", {})
    assert waiting["input_data"]["waits_for"][1] == 'an SMS is received (contains "yes")'
    one = headrace.get(f"/enrollments/{enrollment['id']}")
    assert (one["status"], one["current_step"], one["next_action_at"]) == ("active", "answer", None)
    for body in ("no", "oh yes"):
        headrace.send(contact, "contact.sms_received", {"body": body})
    headrace.until(enrollment["id"], "completed")

    assert headrace.get(f"/contacts/{contact}")["custom_fields"] == {"said": "oh yes"}
    there, known, answer = (headrace.execution(enrollment, id)["output_data"] for id in ("there", "known", "answer"))
    assert there["data"] == known["data"] == {"step": "hi", "status": "delivered"}
    assert (answer["branch"], answer["timed_out"], answer["number"]) == ("received", False, 2)
    query = urlencode({"workflow_id": workflow["id"]})
    told = headrace.get(f"/contacts/{contact}/why?{query}")["enrollments"][0]["steps"][3]
    assert [missed["words"] for missed in told["missed"]] == ['the wait asks for contains "yes"']
    assert told["received"]["data"] == {"body": "oh yes"}


def test_the_audit_agrees_with_the_sandbox_and_names_what_is_nobodys(headrace, tmp_path):
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), step("mail", "send_email", subject="S", body="B"))
    enrollment = headrace.run(workflow)
    mine = {f"{enrollment['id']}/hi/1", f"{enrollment['id']}/mail/1"}

    def audited():
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        done = subprocess.run(
            [sys.executable, "-m", "headrace", "audit", "--json"], timeout=60, check=False,
            env=clean | {"HEADRACE_URL": headrace.url}, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout)

    _, report = audited()
    assert report["asked"] == ["email", "sms"]
    assert not [one for one in report["findings"] if one["action_key"] in mine]
    stray = requests.post(
        f"{headrace.sandbox}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=(ACCOUNT, TOKEN), timeout=30,
        data={"To": number(), "From": "+15005550006", "Body": "not ours"},
    ).json()["sid"]  # fmt: skip
    code, report = audited()
    assert code == 1
    assert ("unowned", stray) in {(one["kind"], one["provider_id"]) for one in report["findings"]}
