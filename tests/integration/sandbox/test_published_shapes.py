"""The sandbox speaks as Twilio and SendGrid publish it in their OpenAPI documents, and so do our adapters."""

import aiohttp
import pytest

from headrace.sandbox import start_sandbox
from tests.support.open_api import Published
from tests.support.provider_calls import actions_at, run

ACCOUNT = "AC" + "a1" * 16
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
ROOT = "/2010-04-01/Accounts/{AccountSid}/Messages"
CREATE = Published("twilio-oai/messages.json", f"{ROOT}.json", "post")
LIST = Published("twilio-oai/messages.json", f"{ROOT}.json", "get")
FETCH = Published("twilio-oai/messages.json", ROOT + "/{Sid}.json", "get")
MAIL = Published("sendgrid-oai/mail.json", "/v3/mail/send", "post")
ACTIVITY = Published("sendgrid-oai/mail.json", "/v3/messages", "get")
MESSAGE = CREATE.document["components"]["schemas"]["api.v2010.account.message"]


@pytest.fixture
async def session():
    running = await start_sandbox(public_url="http://127.0.0.1:9", pace_s=0.01)
    async with aiohttp.ClientSession(running.url) as opened:
        yield opened
    await running.stop()


async def sent(session, **form):
    given = {"To": "+15550001111", "From": "+15005550006", "Body": "hi", **form}
    async with session.post(MESSAGES, data=given) as response:
        assert response.status == 201
        return await response.json()


async def until_delivered(session, count):
    while True:
        async with session.get("/inbox.json") as response:
            messages = (await response.json())["messages"]
        if [message.get("status") for message in messages] == ["delivered"] * count:
            return


@pytest.mark.parametrize("form", [{}, {"MessagingServiceSid": "MG" + "b2" * 16, "From": ""}, {"Body": "ł" * 200}])
async def test_a_created_message_is_twilios(session, form):
    message = await sent(session, **{name: value for name, value in form.items() if value})
    CREATE.answer(201).validate(message)
    assert message.keys() <= CREATE.properties(MESSAGE)


async def test_a_message_has_every_field_that_twilio_promises(session):
    assert (await sent(session)).keys() == CREATE.properties(MESSAGE)


async def test_a_message_is_twilios_in_whatever_state_it_is(session):
    first = await sent(session)
    await until_delivered(session, 1)
    await session.post("/faults", json={"kind": "undelivered", "to": "+15550002222"})
    lost = await sent(session, To="+15550002222")
    async with session.post("/replies", json={"from": "+15550001111", "body": "yes"}) as response:
        answered = await response.json()
    seen = set()
    for sid in (first["sid"], lost["sid"], answered["provider_id"]):
        while True:
            async with session.get(f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json") as response:
                found = await response.json()
            FETCH.answer(200).validate(found)
            assert found.keys() == FETCH.properties(MESSAGE)
            if found["status"] not in ("queued", "sent"):
                break
        seen.add((found["status"], found["direction"], found["error_code"], found["price"] is None))
    assert seen == {
        ("delivered", "outbound-api", None, False),
        ("undelivered", "outbound-api", 30003, False),
        ("received", "inbound", None, True),
    }


async def test_a_list_is_twilios_and_takes_its_filters(session):
    for n in range(3):
        await sent(session, Body=f"n{n}")
    listed = LIST.answer(200)
    schema = LIST.operation["responses"]["200"]["content"]["application/json"]["schema"]
    path, bodies = f"{MESSAGES}?PageSize=2&To=%2B15550001111", []
    while path:
        async with session.get(path) as response:
            page = await response.json()
        listed.validate(page)
        assert page.keys() == LIST.properties(schema)
        bodies += [message["body"] for message in page["messages"]]
        path = page["next_page_uri"]
    assert bodies == ["n2", "n1", "n0"]
    assert {"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"} == LIST.parameters()


async def test_messages_that_come_between_two_pages_shift_nothing(session):
    for n in range(4):
        await sent(session, Body=f"n{n}")
    async with session.get(f"{MESSAGES}?PageSize=2") as response:
        following = (await response.json())["next_page_uri"]
    await sent(session, Body="new")
    async with session.get(following) as response:
        assert [message["body"] for message in (await response.json())["messages"]] == ["n1", "n0"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"DateSent>": "2000-01-01", "DateSent<": "2999-01-01"}, 1),
        ({"DateSent<": "2000-01-01"}, 0),
        ({"From": "+19999"}, 0),
    ],
)
async def test_lists_are_filtered(session, query, count):
    await sent(session)
    async with session.get(MESSAGES, params=query) as response:
        assert len((await response.json())["messages"]) == count


async def test_the_day_of_a_message_is_within_both_of_its_limits(session):
    await sent(session)
    async with session.get("/inbox.json") as response:
        day = (await response.json())["messages"][0]["at"][:10]
    for name in ("DateSent", "DateSent<", "DateSent>"):
        async with session.get(MESSAGES, params={name: day}) as response:
            assert len((await response.json())["messages"]) == 1, name


async def test_what_we_send_to_twilio_is_what_it_takes(session):
    known = CREATE.properties(CREATE.operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"])
    seen: list[dict[str, str]] = []

    async def watched(request):
        seen.append(dict(await request.post()))
        return aiohttp.web.json_response({}, status=500)

    async with served("post", "/2010-04-01/Accounts/AC1/Messages.json", watched) as url, actions_at(url) as actions:
        await run(actions, "send_sms", {"to": "+15550001111", "body": "hi"})
    (form,) = seen
    assert form.keys() <= known


@pytest.mark.parametrize(
    "config",
    [
        {"subject": "s", "body": "text"},
        {"subject": "s", "body": "text", "html": "<p>x</p>"},
        {"sendgrid_template_id": "d-1", "template": "d-1", "data": {"name": "Ann"}},
    ],
)
async def test_what_we_send_to_sendgrid_is_what_it_takes(config):
    seen = []

    async def watched(request):
        seen.append(await request.json())
        return aiohttp.web.Response(status=202, headers={"X-Message-Id": "m"})

    async with served("post", "/v3/mail/send", watched) as url, actions_at(url) as actions:
        assert (await run(actions, "send_email", config)).outcome == "succeeded"
    (mail,) = seen
    arguments = mail.pop("custom_args")  # the document says "string" here, and "object" where it explains them
    assert all(isinstance(part, str) for pair in arguments.items() for part in pair)
    if "template_id" in mail:  # the document asks for these, although its prose says that a template stands for them
        mail |= {"subject": "of the template", "content": [{"type": "text/plain", "value": "of the template"}]}
    MAIL.body("application/json").validate(mail)


@pytest.mark.parametrize(
    ("mail", "status"),
    [
        ({}, 400),
        ({"personalizations": [{"to": [{"email": "a"}]}], "from": {"email": "a@b"}, "subject": "s"}, 400),
        (None, 401),
    ],
)
async def test_a_refusal_of_the_sandbox_is_sendgrids(session, mail, status):
    headers = {} if mail is None else {"Authorization": "Bearer k"}
    async with session.post("/v3/mail/send", json=mail or {}, headers=headers) as response:
        assert response.status == status
        answer = await response.json()
    for error in answer["errors"]:
        assert error.pop("help").startswith("http")  # the document says "object"; what SendGrid answers is a link
    MAIL.answer(status).validate(answer)


async def test_email_activity_is_sendgrids_and_tells_what_became_of_each_mail(session):
    await session.post("/faults", json={"kind": "undelivered", "to": "lost@*"})
    headers = {"Authorization": "Bearer k"}
    for to in ("ann@example.org", "lost@example.org"):
        mail = {"personalizations": [{"to": [{"email": to}]}], "from": {"email": "a@b"}, "subject": "s"}
        mail["content"] = [{"type": "text/plain", "value": "x"}]
        await session.post("/v3/mail/send", json=mail, headers=headers)
    found = {}
    while found != {"ann@example.org": "delivered", "lost@example.org": "not_delivered"}:
        async with session.get("/v3/messages", params={"limit": 10}, headers=headers) as response:
            answer = await response.json()
        ACTIVITY.answer(200).validate(answer)
        found = {one["to_email"]: one["status"] for one in answer["messages"]}
    assert {"query", "limit"} == ACTIVITY.parameters()


def served(method, path, handler):
    """A web server with one route, as a context that gives its URL."""
    import contextlib

    @contextlib.asynccontextmanager
    async def running():
        app = aiohttp.web.Application()
        app.router.add_route(method, path, handler)
        runner = aiohttp.web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    return running()
