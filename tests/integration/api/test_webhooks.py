"""Providers' callbacks: signed ones become events and commands, all others are refused."""

import base64
import json
import random
import string
from urllib.parse import urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import RequestValidator
from yarl import URL

from api.webhooks.settings import WebhookSettings
from domain.command import ChangeConsent, ReportDelivery
from schemas.command import decode_command
from schemas.contact_event import read_contact_event
from schemas.topics import COMMANDS, CONTACT_EVENTS, DEAD_LETTERS
from tests.integration.api.caller import assert_problem
from tests.integration.api.read_side import ENROLLMENT as ENROLLMENT_UUID

ENROLLMENT = str(ENROLLMENT_UUID)
PUBLIC = "https://crm.example"
TOKEN = "twilio-token"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
ACTION = f"{ENROLLMENT}/greet/1"
SMS = "/api/v1/webhooks/twilio/sms"
STATUS = f"/api/v1/webhooks/twilio/status?{urlencode({'action_key': ACTION, 'contact': 'ada'})}"
EVENTS = "/api/v1/webhooks/sendgrid/events"
INBOUND = {"MessageSid": "SM1", "From": "+15550001111", "To": "+15550009999", "Body": "Hello é"}


def webhooks(**changes):
    given = {"public_url": PUBLIC, "twilio_auth_token": TOKEN, "sendgrid_public_key": PUBLIC_KEY} | changes
    return {"webhooks": WebhookSettings(**given)}


@pytest.fixture
def settings(request):
    return getattr(request, "param", None) or webhooks()


def twilio(api, path, form, *, signature=None, token=TOKEN):
    signature = signature or RequestValidator(token).compute_signature(PUBLIC + path, form)
    return api.post(URL(path, encoded=True), data=urlencode(form), headers={
        "Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature,
    })  # fmt: skip


def sendgrid(api, body, *, at=None, signed=None):
    import time

    stamp = str(int(time.time() if at is None else at))
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = KEY.sign(stamp.encode() + (payload if signed is None else signed), ec.ECDSA(hashes.SHA256()))
    return api.post(EVENTS, data=payload, headers={
        "Content-Type": "application/json",
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    })  # fmt: skip


async def events_of(api, count=1):
    records = await api.appended(CONTACT_EVENTS, count)
    return [
        read_contact_event(
            topic=r.topic, partition=r.partition, offset=r.offset, key=r.key, value=r.value, headers=r.headers
        )
        for r in records
    ]


async def commands_of(api, count=1):
    return [decode_command(record.value) for record in await api.appended(COMMANDS, count)]


class TestInboundSms:
    async def test_it_becomes_the_contacts_event(self, api, read_side):
        await read_side.contact("ada", phone="+1 (555) 000-1111")
        reply = await twilio(api, SMS, INBOUND)
        assert (reply.status, reply.text) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
        (event,) = await events_of(api)
        assert (event.contact_id, event.type, event.source, event.id) == (
            "ada",
            "contact.sms_received",
            "twilio",
            "SM1",
        )
        assert event.data == {"body": "Hello é", "from": "+15550001111", "to": "+15550009999", "message_id": "SM1"}

    async def test_a_stop_reaches_every_contact_with_the_number(self, api, read_side):
        for name in ("ada", "bob", "cleo"):
            await read_side.contact(name, phone="+15550001111")
        await twilio(api, SMS, INBOUND | {"Body": " stop "})
        (event,) = await events_of(api)
        others = await commands_of(api, 2)
        assert {event.contact_id, *(one.contact_id for one in others)} == {"ada", "bob", "cleo"}
        assert all(isinstance(one, ChangeConsent) and not one.allowed for one in others)

    @pytest.mark.parametrize("settings", [webhooks(phone_region="DE")], indirect=True)
    async def test_a_contact_whose_number_is_national_is_met_where_a_region_is_set(self, api, read_side):
        await read_side.contact("ada", phone="0151 123-45678")
        await twilio(api, SMS, INBOUND | {"From": "+4915112345678"})
        (event,) = await events_of(api)
        assert (event.contact_id, event.data["from"]) == ("ada", "+4915112345678")

    async def test_a_stranger_becomes_a_contact(self, api):
        await twilio(api, SMS, INBOUND)
        created, received = await events_of(api, 2)
        assert created.type == "contact.created"
        assert created.data == {"contact": {"phone": "+15550001111", "source": "sms"}}
        assert received.contact_id == created.contact_id == "sms:+15550001111"

    @pytest.mark.parametrize("settings", [webhooks(unknown_sender="dead_letter")], indirect=True)
    async def test_or_a_dead_letter_that_can_be_replayed_with_a_contact(self, api, read_side):
        await twilio(api, SMS, INBOUND)
        (letter,) = await api.appended(DEAD_LETTERS)
        assert dict(letter.headers)["headrace-reason"] == b"unknown_sender"
        id_ = f"{letter.partition}-{letter.offset}"
        await read_side.dead_letter(id=id_)
        async with api.posting(
            f"/api/v1/dead-letters/{id_}/replay",
            json={"value": {"body": "Hello", "from": "+1555"}},
            headers={"Prefer": "respond-async"},
        ) as replay:
            assert (await replay).status == 202
            (event,) = await events_of(api)
        assert (event.id, event.contact_id, event.data["body"]) == ("SM1", "sms:+15550001111", "Hello")

    async def test_a_message_without_its_id_is_refused(self, api):
        assert_problem(await twilio(api, SMS, {"From": "+1"}), 400, "bad_request")


class TestTwilioStatus:
    async def test_it_becomes_a_report_of_the_delivery(self, api):
        form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "To": "+1555", "ErrorCode": "30003"}
        assert (await twilio(api, STATUS, form)).status == 204
        (report,) = await commands_of(api)
        assert isinstance(report, ReportDelivery)
        assert (report.contact_id, report.enrollment_id, report.step_id, report.visit) == (
            "ada",
            ENROLLMENT,
            "greet",
            1,
        )
        assert (report.status, report.code, report.provider_id, report.channel) == (
            "undelivered",
            "30003",
            "SM1",
            "sms",
        )

    async def test_the_same_callback_is_the_same_command(self, api):
        form = {"MessageSid": "SM1", "MessageStatus": "sent", "To": "+1555"}
        for _ in range(2):
            await twilio(api, STATUS, form)
        await twilio(api, STATUS, form | {"MessageStatus": "delivered"})
        first, second, third = await commands_of(api, 3)
        assert first.command_id == second.command_id != third.command_id

    @pytest.mark.parametrize("key", ["", "nonsense", "a/b/c", f"{ENROLLMENT}//1", f"{ENROLLMENT}/greet/x"])
    async def test_what_is_not_about_a_message_of_ours_is_left(self, api, key):
        path = f"/api/v1/webhooks/twilio/status?{urlencode({'action_key': key, 'contact': 'ada'})}"
        assert (await twilio(api, path, {"MessageSid": "SM1", "MessageStatus": "sent"})).status == 204
        assert api.nothing_appended


class TestSignatures:
    async def test_a_tampered_form_another_token_and_no_signature_are_refused(self, api):
        good = RequestValidator(TOKEN).compute_signature(PUBLIC + SMS, INBOUND)
        for form, signature, token in (
            (INBOUND | {"Body": "Goodbye"}, good, TOKEN),
            (INBOUND, None, "another-token"),
            (INBOUND, "", ""),
        ):
            assert_problem(await twilio(api, SMS, form, signature=signature, token=token), 403, "bad_signature")
        assert api.nothing_appended

    async def test_a_signature_for_another_address_is_refused(self, api):
        signature = RequestValidator(TOKEN).compute_signature("https://other.example" + SMS, INBOUND)
        assert_problem(await twilio(api, SMS, INBOUND, signature=signature), 403, "bad_signature")

    async def test_a_tampered_body_is_refused(self, api):
        event = {"event": "delivered", "action_key": ACTION, "contact": "ada"}
        assert_problem(await sendgrid(api, [event], signed=b"[]"), 403, "bad_signature")

    @pytest.mark.parametrize("seconds", [-3_600, 3_600])
    async def test_a_signature_of_another_time_is_refused_as_a_replay(self, api, seconds):
        import time

        assert_problem(await sendgrid(api, [], at=time.time() + seconds), 403, "stale_signature")

    @pytest.mark.parametrize("settings", [webhooks(twilio_auth_token=None, sendgrid_public_key=None)], indirect=True)
    async def test_a_provider_without_its_secret_is_not_listened_to(self, api):
        assert_problem(await twilio(api, SMS, INBOUND), 403, "webhook_not_configured")
        assert_problem(await sendgrid(api, []), 403, "webhook_not_configured")


class TestSendGrid:
    async def test_each_event_becomes_a_report(self, api):
        ours = {
            "action_key": ACTION,
            "contact": "ada",
            "email": "ada@example.com",
            "sg_message_id": "m1.recv",
            "timestamp": 1_800_000_000,
        }
        events = [
            ours | {"event": "delivered", "sg_event_id": "1"},
            ours | {"event": "bounce", "type": "bounce", "status": "5.1.1", "sg_event_id": "2"},
            ours | {"event": "bounce", "type": "blocked", "sg_event_id": "3"},
            ours | {"event": "group_resubscribe", "sg_event_id": "4"},
            {"event": "open", "email": "someone@else.example", "sg_event_id": "5"},
        ]
        assert (await sendgrid(api, events)).status == 204
        commands = await commands_of(api, 4)
        assert [getattr(one, "status", None) for one in commands] == ["delivered", "bounced", "failed", None]
        assert commands[0].provider_id == "m1"
        assert commands[0].occurred_at_ms == 1_800_000_000_000
        assert (commands[3].allowed, commands[3].address) == (True, "ada@example.com")

    async def test_an_end_of_consent_reaches_every_contact_with_the_address(self, api, read_side):
        for id in ("ada", "bob"):
            await read_side.contact(id, email="Ada <ADA@example.com>")
        await read_side.contact("eve", email="eve@example.com")
        ours = {"action_key": ACTION, "contact": "ada", "email": "ada@example.com", "sg_event_id": "1"}

        assert (await sendgrid(api, [ours | {"event": "unsubscribe"}])).status == 204

        report, other = sorted(await commands_of(api, 2), key=lambda one: one.contact_id)
        assert (type(report), report.contact_id, report.status) == (ReportDelivery, "ada", "unsubscribed")
        assert (type(other), other.contact_id, other.allowed) == (ChangeConsent, "bob", False)
        assert (other.address, other.reason) == ("ada@example.com", "opted_out")

    async def test_so_does_one_that_an_email_of_another_system_was_answered_with(self, api, read_side):
        await read_side.contact("ada", email="ada@example.com")
        stray = {"email": "ada@example.com", "timestamp": 1_800_000_000}
        events = [
            stray | {"event": "spamreport", "sg_event_id": "1"},
            stray | {"event": "bounce", "type": "blocked", "sg_event_id": "2"},
            stray | {"event": "open", "sg_event_id": "3"},
        ]

        assert (await sendgrid(api, events)).status == 204

        (command,) = await commands_of(api, 1)
        assert (command.contact_id, command.allowed, command.reason) == ("ada", False, "spam_reported")

    @pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", b"[" * 5_000])
    async def test_what_is_no_list_of_events_is_a_bad_request(self, api, body):
        assert_problem(await sendgrid(api, body), 400, "bad_json")


async def test_nothing_that_is_sent_there_makes_a_500(api):
    """A fuzz over the three routes, signed and unsigned, bounded in count."""
    chance = random.Random(7)
    letters = string.printable + "é\0🎉"

    def word():
        return "".join(chance.choice(letters) for _ in range(chance.randrange(20)))

    names = ["MessageSid", "From", "To", "Body", "MessageStatus", "ErrorCode"]
    keys = ["event", "email", "sg_event_id", "timestamp", "type", "status", "action_key", "contact"]
    for _ in range(60):
        form = {chance.choice([*names, word()]): chance.choice([word(), "sent", ACTION]) for _ in range(5)}
        path = chance.choice([SMS, STATUS, f"/api/v1/webhooks/twilio/status?{urlencode({'action_key': word()})}"])
        assert (await twilio(api, path, form)).status < 500
        assert (await api.post(chance.choice([SMS, EVENTS]), data=word().encode())).status < 500
        event = {
            chance.choice(keys): chance.choice([word(), 3, -1.5, None, "delivered", ACTION, [], {}]) for _ in range(4)
        }
        body = chance.choice([[event], [event, event], event, word()])
        assert (await sendgrid(api, msgspec.json.encode(body))).status < 500
