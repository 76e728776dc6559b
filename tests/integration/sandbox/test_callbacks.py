"""What the sandbox tells the application: signed as the providers sign, in time, again when it was not heard."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from headrace.sandbox import start_sandbox
from headrace.sandbox.callbacks import Callback, Callbacks
from headrace.sandbox.keys import SandboxKeys

TOKEN = "an-auth-token"
ADA = "+15550001111"
SMS = "/2010-04-01/Accounts/AC1/Messages.json"


class Application:
    """Hears callbacks, and answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[tuple[web.Request, bytes]] = []
        self.answers: list[int] = []

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append((request, await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)

    def forms(self) -> list[dict[str, str]]:
        """The forms of Twilio, each with a good signature for the address that was called."""
        found = []
        for request, body in self.heard:
            if "twilio" in request.path:
                form = dict(parse_qsl(body.decode()))
                signature = request.headers["X-Twilio-Signature"]
                assert RequestValidator(TOKEN).validate(self.url + request.raw_path, form, signature)
                assert not RequestValidator(TOKEN).validate(self.url + request.raw_path, form | {"To": "x"}, signature)
                found.append(form)
        return found

    def events(self) -> list[dict[str, object]]:
        """The events of SendGrid, each with a good signature of its bytes."""
        key = SandboxKeys(TOKEN).sendgrid_public_key
        found = []
        for request, body in self.heard:
            if "sendgrid" in request.path:
                stamp = request.headers["X-Twilio-Email-Event-Webhook-Timestamp"]
                signature = request.headers["X-Twilio-Email-Event-Webhook-Signature"]
                assert EventWebhook(key).verify_signature(body.decode(), signature, stamp)
                assert not EventWebhook(key).verify_signature(body.decode() + " ", signature, stamp)
                found += json.loads(body)
        return found

    async def until(self, look, count):
        async with asyncio.timeout(20):
            while len(look()) < count:
                await asyncio.sleep(0.01)
        return look()


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    application, app = Application(), web.Application()
    app.router.add_route("*", "/{tail:.*}", application.hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield application
    await runner.cleanup()


@asynccontextmanager
async def session_of(public_url, **options):
    running = await start_sandbox(public_url=public_url, signing_token=TOKEN, pace_s=0.01, **options)
    async with aiohttp.ClientSession(running.url) as opened:
        yield opened
    await running.stop()


@pytest.fixture
async def session(application) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_of(application.url) as opened:
        yield opened


async def send_sms(session, url, to=ADA, query="action_key=e%2Fs%2F1&contact=a%20da%26"):
    form = {"To": to, "From": "+15005550006", "Body": "hi"}
    form["StatusCallback"] = f"{url}/api/v1/webhooks/twilio/status?{query}"
    async with session.post(SMS, data=form) as response:
        return response.status, await response.json()


async def send_email(session, to="ann@example.org"):
    mail = {
        "personalizations": [{"to": [{"email": to}]}],
        "from": {"email": "crm@example.org"},
        "subject": "s",
        "content": [{"type": "text/plain", "value": "x"}],
        "custom_args": {"action_key": "e/s/2", "contact": "ann"},
    }
    async with session.post("/v3/mail/send", json=mail, headers={"Authorization": "Bearer k"}) as response:
        return response.headers["X-Message-Id"]


async def test_every_status_of_an_sms_is_told_to_the_address_that_it_named(session, application):
    _, message = await send_sms(session, application.url)
    forms = await application.until(application.forms, 3)
    assert {form["MessageStatus"] for form in forms} == {"queued", "sent", "delivered"}
    assert {(form["MessageSid"], form["To"], form["AccountSid"]) for form in forms} == {(message["sid"], ADA, "AC1")}
    request = application.heard[0][0]
    assert request.raw_path == "/api/v1/webhooks/twilio/status?action_key=e%2Fs%2F1&contact=a%20da%26"


async def test_sms_that_does_not_arrive_is_told_with_its_number(session, application):
    await session.post("/faults", json={"kind": "undelivered", "code": 30005, "to": "+1555*"})
    await send_sms(session, application.url)
    last = (await application.until(application.forms, 3))[-1]
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30005")


async def test_an_sms_whose_answer_was_lost_is_told_of_all_the_same(session, application):
    """So an unknown outcome can be settled by the callback."""
    await session.post("/faults", json={"kind": "reset_after_accept", "channel": "sms"})
    with pytest.raises(aiohttp.ClientError):
        await send_sms(session, application.url)
    assert len(await application.until(application.forms, 3)) == 3


async def test_events_of_an_email_carry_its_arguments(session, application):
    message_id = await send_email(session)
    events = await application.until(application.events, 2)
    assert {event["event"] for event in events} == {"processed", "delivered"}
    for event in events:
        assert (event["action_key"], event["contact"], event["email"]) == ("e/s/2", "ann", "ann@example.org")
        assert event["sg_message_id"].partition(".")[0] == message_id
    assert len({event["sg_event_id"] for event in events}) == 2


@pytest.mark.parametrize("name", ["open", "click", "unsubscribe", "spamreport", "bounce", "dropped", "deferred"])
async def test_what_a_mailbox_does_is_told_by_hand(session, application, name):
    message_id = await send_email(session)
    await application.until(application.events, 2)
    given = {"provider_id": message_id, "event": name, "url": "https://example.com/offer"}
    async with session.post("/events", json=given) as response:
        assert response.status == 201
    last = (await application.until(application.events, 3))[-1]
    assert last["event"] == name
    assert last.get("url") == ("https://example.com/offer" if name == "click" else None)
    async with session.get("/inbox.json") as response:
        assert (await response.json())["messages"][0]["status"] == name


async def test_email_that_bounces(session, application):
    await session.post("/faults", json={"kind": "undelivered", "channel": "email"})
    await send_email(session)
    last = (await application.until(application.events, 2))[-1]
    assert (last["event"], last["type"], last["status"]) == ("bounce", "bounce", "5.1.1")


async def test_reply_is_an_inbound_sms_to_the_number_that_wrote_last(session, application):
    form = {"To": ADA, "From": "+15559990000", "Body": "hi"}
    await session.post(SMS, data=form)
    async with session.post("/replies", json={"from": ADA, "body": "Grüße 👋 & more"}) as response:
        assert response.status == 201
    (told,) = await application.until(application.forms, 1)
    assert application.heard[0][0].path == "/api/v1/webhooks/twilio/sms"
    assert (told["From"], told["To"], told["Body"]) == (ADA, "+15559990000", "Grüße 👋 & more")
    assert told["MessageSid"].startswith("SM")
    async with session.get("/replies.json") as response:
        assert [reply["body"] for reply in (await response.json())["replies"]] == ["Grüße 👋 & more"]


async def test_who_sends_stop_is_written_to_no_more_until_start_across_restarts(application, tmp_path):
    journal = tmp_path / "inbox.jsonl"
    async with session_of(application.url, journal=journal) as session:
        await session.post("/replies", json={"from": ADA, "body": "please stop"})
        assert (await send_sms(session, application.url))[0] == 201
        await session.post("/replies", json={"from": ADA, "body": " Stop "})
    async with session_of(application.url, journal=journal) as session:
        status, error = await send_sms(session, application.url)
        assert (status, error["code"]) == (400, 21610)
        assert (await send_sms(session, application.url, to="+15550002222"))[0] == 201
        await session.post("/replies", json={"from": ADA, "body": "START"})
        assert (await send_sms(session, application.url))[0] == 201
    told = [form for form in application.forms() if form.get("SmsStatus") == "received"]
    assert [form.get("OptOutType") for form in told] == [None, "STOP", "START"]


async def test_forms_of_the_page_lead_back_to_it(session, application):
    given = {"from": ADA, "body": "yes"}
    here = {"Referer": f"{session._base_url.origin()}/?to=%2B15550001111"}
    async with session.post("/replies", data=given, headers=here, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, here["Referer"])
    async with session.post(
        "/replies", data=given, headers={"Referer": "http://e.example/"}, allow_redirects=False
    ) as r:
        assert r.headers["Location"] == "/"
    armed = {"kind": "status", "status": "429", "retry_after": "2", "to": "", "rate": "0.5", "times": "3"}
    await session.post("/faults", data=armed)
    async with session.get("/faults") as response:
        (fault,) = (await response.json())["faults"]
    assert (fault["status"], fault["retry_after"], fault["to"], fault["rate"], fault["left"]) == (429, 2, None, 0.5, 3)
    await session.post("/faults", data={"disarm": "1"})
    async with session.get("/faults") as response:
        assert (await response.json())["faults"] == []


async def test_json_that_curl_calls_a_form_is_json(session):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for path, told in (("/faults", {"kind": "hang"}), ("/replies", {"from": ADA, "body": "yes"})):
        async with session.post(path, data=json.dumps(told), headers=headers) as response:
            assert response.status == 201


@pytest.mark.parametrize(
    ("path", "told", "words"),
    [
        ("/replies", {"from": "Ada", "body": "x"}, "from: expected a number"),
        ("/replies", {"from": ADA, "body": " "}, "body: expected a text"),
        ("/replies", {"from": ADA, "body": "x" * 1_601}, "body: expected a text"),
        ("/replies", [], "expected a JSON object"),
        ("/events", {"event": "opened"}, "event: expected one of processed, deferred"),
        ("/events", {"event": "open", "provider_id": "gone"}, "provider_id: expected the id of an e-mail"),
    ],
)
async def test_what_can_not_be_told_is_refused_with_the_reason(session, path, told, words):
    async with session.post(path, json=told) as response:
        assert response.status == 400
        assert words in (await response.json())["error"]


async def test_other_sites_can_not_make_a_browser_post_here(session):
    for path in ("/replies", "/events", "/faults"):
        async with session.post(path, data={"a": "b"}, headers={"Sec-Fetch-Site": "cross-site"}) as response:
            assert response.status == 403


async def test_without_a_public_address_nobody_can_reply_and_the_page_says_why():
    async with session_of(None) as session:
        async with session.post("/replies", json={"from": ADA, "body": "x"}) as response:
            assert response.status == 409
            assert "--public-url" in (await response.json())["error"]
        async with session.get("/") as response:
            assert "--public-url" in await response.text()


async def test_conversation_has_a_form_to_reply_and_both_sides(session, application):
    await send_sms(session, application.url)
    await session.post("/replies", json={"from": ADA, "body": "<b>yes</b>"})
    async with session.get("/", params={"to": ADA}) as response:
        page = await response.text()
    assert f'name="from" value="{ADA}"' in page
    assert "&lt;b&gt;yes&lt;/b&gt;" in page
    assert page.count("<article") == 2


async def test_it_can_be_told_to_tell_nothing_but_what_is_done_by_hand(application):
    async with session_of(application.url, tells=False) as session:
        await send_sms(session, application.url)
        message_id = await send_email(session)
        await session.post("/events", json={"provider_id": message_id, "event": "open"})
        assert [event["event"] for event in await application.until(application.events, 1)] == ["open"]
        async with asyncio.timeout(20):
            while True:
                async with session.get("/inbox.json", params={"channel": "sms"}) as response:
                    if (await response.json())["messages"][0]["status"] == "delivered":
                        break
    assert len(application.heard) == 1


async def test_nobody_who_listens_blocks_nobody(session, dead_url):
    for _ in range(20):
        assert (await send_sms(session, dead_url))[0] == 201
    async with session.get("/callbacks.json") as response:
        listed = await response.json()
    assert listed["sendgrid_public_key"] == SandboxKeys(TOKEN).sendgrid_public_key
    assert not any(callback["delivered"] for callback in listed["callbacks"])


async def test_callback_is_posted_again_while_the_application_is_down_and_not_when_it_refuses(application):
    callbacks = Callbacks(pauses_s=(0.01, 0.01))
    signed = []

    def callback(path):
        return Callback(
            what="x",
            url=application.url + path,
            body=b"{}",
            content_type="application/json",
            sign=lambda: {"X-Signed": str(signed.append(path))},
            provider_id=path,
        )

    async with asyncio.timeout(20):
        async with asynccontextmanager(callbacks.run)(web.Application()):
            for path, answers, attempts, delivered in (
                ("/comes-back", [503, 429, 204], 3, True),
                ("/stays-away", [500, 500, 500], 3, False),
                ("/refuses", [403], 1, False),
            ):
                application.answers = list(answers)
                before = len(application.heard)
                callbacks.post(callback(path))
                while len(application.heard) - before < attempts or callbacks.listed()[-1]["status"] != answers[-1]:
                    await asyncio.sleep(0.005)
                told = callbacks.listed()[-1]
                assert (told["attempts"], told["delivered"]) == (attempts, delivered)
    assert signed.count("/comes-back") == 3
    ids = {request.headers["I-Twilio-Idempotency-Token"] for request, _ in application.heard[:3]}
    assert len(ids) == 1


async def test_faults_by_pattern_and_by_count(session, application):
    await session.post("/faults", json={"kind": "status", "to": "+1555*", "after": 1, "every": 2})
    met = [(await send_sms(session, application.url))[0] for _ in range(6)]
    assert met == [201, 500, 201, 500, 201, 500]
    assert (await send_sms(session, application.url, to="+4915112345678"))[0] == 201
