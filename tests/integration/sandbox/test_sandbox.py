"""The sandbox itself: inbox, requests, faults, journal, page, and its life as a process."""

import asyncio
import json
import signal
import sys

import aiohttp
import pytest

from headrace.sandbox import SandboxPortTaken, create_sandbox, start_sandbox
from headrace.sandbox.ledger import Ledger

SMS = "/2010-04-01/Accounts/AC1/Messages.json"


async def send_sms(session, body="hi", to="+15550100", key="e/s/1"):
    callback = f"https://crm.example/status?action_key={key}"
    form = {"To": to, "From": "+1", "Body": body, "StatusCallback": callback}
    async with session.post(SMS, data=form, auth=aiohttp.BasicAuth("AC1", "t")) as response:
        return response.status, await response.json()


async def get(session, path, **query):
    async with session.get(path, params=query) as response:
        return await response.json()


@pytest.fixture
async def open_client():
    """A client of a sandbox that takes any credentials."""
    running = await start_sandbox()
    async with aiohttp.ClientSession(running.url) as session:
        yield session
    await running.stop()


async def test_the_inbox_lists_the_newest_last_and_filters(open_client):
    for n in range(3):
        await send_sms(open_client, f"n{n}", to=f"+1555010{n % 2}", key=f"e/s/{n}")
    await open_client.post("/http/hook", data="x", headers={"Idempotency-Key": "e/h/1"})
    everything = (await get(open_client, "/inbox.json"))["messages"]
    assert [message["body"] for message in everything] == ["n0", "n1", "n2", "x"]
    for query, bodies in [
        ({"channel": "http"}, ["x"]),
        ({"to": "+15550100"}, ["n0", "n2"]),
        ({"action_key": "e/s/1"}, ["n1"]),
        ({"channel": "sms", "limit": "1"}, ["n2"]),
        ({"to": "+1999"}, []),
    ]:
        found = (await get(open_client, "/inbox.json", **query))["messages"]
        assert [message["body"] for message in found] == bodies


async def test_every_call_is_seen_accepted_or_not(open_client):
    await send_sms(open_client)
    await send_sms(open_client, to="nobody", key="e/s/2")
    await open_client.post("/faults", json={"channel": "sms", "kind": "status", "status": 503})
    await send_sms(open_client, key="e/s/3")
    seen = (await get(open_client, "/requests.json"))["requests"]
    assert [(call["action_key"], call["accepted"], call["status"], call["fault"]) for call in seen] == [
        ("e/s/1", True, 201, None),
        ("e/s/2", False, 400, None),
        ("e/s/3", False, 503, "status"),
    ]


async def test_the_inbox_can_be_emptied(open_client):
    await send_sms(open_client)
    async with open_client.delete("/inbox") as response:
        assert response.status == 204
    assert await get(open_client, "/inbox.json") == {"messages": []}
    assert await get(open_client, "/requests.json") == {"requests": []}


async def test_a_fault_is_played_so_many_times_and_then_no_more(open_client):
    await open_client.post(
        "/faults", json={"channel": "sms", "kind": "status", "status": 429, "retry_after": 3, "times": 2}
    )
    assert [(await send_sms(open_client))[0] for _ in range(3)] == [429, 429, 201]
    (listed,) = (await get(open_client, "/faults"))["faults"]
    assert (listed["played"], listed["left"]) == (2, 0)


async def test_a_rate_hits_the_same_calls_every_time_for_the_same_seed(open_client):
    async def pattern():
        await open_client.delete("/faults")
        await open_client.post("/faults", json={"kind": "status", "rate": 0.5, "seed": 7})
        return [(await send_sms(open_client))[0] for _ in range(40)]

    first = await pattern()
    assert first == await pattern()
    assert {500, 201} == set(first)


async def test_a_fault_can_be_meant_for_one_recipient_and_other_channels_are_spared(open_client):
    await open_client.post(
        "/faults", json={"channel": "sms", "kind": "status", "status": 400, "code": 30007, "to": "+15550101"}
    )
    assert (await send_sms(open_client))[0] == 201
    status, error = await send_sms(open_client, to="+15550101")
    assert (status, error["code"], error["status"]) == (400, 30007, 400)
    async with open_client.get("/http/x") as response:
        assert response.status == 200


async def test_faults_can_be_taken_away(open_client):
    await open_client.post("/faults", json={"kind": "status"})
    await open_client.delete("/faults")
    assert (await send_sms(open_client))[0] == 201


@pytest.mark.parametrize(
    "wrong", ["", "[]", "{}", '{"kind":"explode"}', '{"kind":"status","status":200}', '{"kind":"delay","delay":1}', "7"]
)
async def test_a_fault_that_can_not_be_played_is_refused_with_the_reason(wrong, open_client):
    async with open_client.post("/faults", data=wrong) as response:
        assert response.status == 400
        assert (await response.json())["error"]


@pytest.mark.parametrize(
    "mail", [b"", b"{", b"[]", b'"x"', b'{"personalizations":7}', b'{"personalizations":[{"to":[7]}]}']
)
async def test_a_malformed_mail_is_a_400_in_sendgrids_shape(mail, open_client):
    async with open_client.post("/v3/mail/send", data=mail, headers={"Authorization": "Bearer k"}) as response:
        assert response.status == 400
        assert set((await response.json())["errors"][0]) == {"message", "field", "help"}


async def test_the_page_shows_messages_escaped_and_refreshes_by_itself_unless_held_still(open_client):
    await send_sms(open_client, "<script>alert(1)</script>", key="<i>")
    async with open_client.get("/") as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<script") == 1
    assert 'http-equiv="refresh"' in page
    async with open_client.get("/inbox.js") as response:
        assert response.content_type == "text/javascript"
    async with open_client.get("/?still") as response:
        page = await response.text()
        assert 'http-equiv="refresh"' not in page
        assert "data-still" in page


async def test_the_empty_page_says_so(open_client):
    async with open_client.get("/") as response:
        assert "No message yet" in await response.text()


async def test_only_the_newest_are_kept():
    ledger = Ledger(max_entries=3)
    for n in range(5):
        ledger.accept({"channel": "sms", "to": "+1", "n": n})
    assert [entry.read()["n"] for entry in ledger.inbox.find()] == [2, 3, 4]


async def test_a_journal_brings_the_inbox_back_and_survives_a_torn_line(tmp_path):
    journal = tmp_path / "inbox.jsonl"
    before = Ledger(journal)
    before.accept({"channel": "sms", "to": "+1", "body": "kept"})
    before.saw({"channel": "sms", "to": "+1", "status": 201})
    before.close()
    with journal.open("ab") as file:
        file.write(b'{"message":{"channel":"sm')
    again = Ledger(journal)
    again.accept({"channel": "sms", "to": "+1", "body": "after"})
    again.close()
    last = Ledger(journal)
    assert [entry.read()["body"] for entry in last.inbox.find()] == ["kept", "after"]
    assert len(last.requests) == 1
    last.clear()
    last.close()
    emptied = Ledger(journal)
    assert len(emptied.inbox) == 0
    emptied.close()


async def test_a_taken_port_is_a_clear_error():
    first = await start_sandbox()
    port = int(first.url.rpartition(":")[2])
    with pytest.raises(SandboxPortTaken, match=f"127.0.0.1:{port}: the port is taken"):
        await start_sandbox(port=port)
    await first.stop()


async def test_the_application_can_be_made_without_a_server():
    assert isinstance(create_sandbox(), aiohttp.web.Application)


async def test_stopping_ends_calls_that_hang():
    running = await start_sandbox()
    async with aiohttp.ClientSession(running.url) as session:
        await session.post("/faults", json={"kind": "hang"})
        hanging = asyncio.create_task(session.get("/http/x"))
        while not (await get(session, "/requests.json"))["requests"]:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            await running.stop()
            with pytest.raises(aiohttp.ClientError):
                await hanging


async def test_as_a_process_it_survives_a_kill_with_its_inbox(tmp_path):
    journal = tmp_path / "inbox.jsonl"

    async def started():
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "headrace.sandbox",
            "--port",
            "0",
            "--journal",
            str(journal),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        return process, line.rpartition(" ")[2].strip()

    process, url = await started()
    async with aiohttp.ClientSession(url) as session:
        assert (await send_sms(session, "before the kill"))[0] == 201
    process.kill()
    await process.wait()
    process, url = await started()
    async with aiohttp.ClientSession(url) as session:
        (message,) = (await get(session, "/inbox.json"))["messages"]
    assert message["body"] == "before the kill"
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        assert await process.wait() == 0
    assert [next(iter(json.loads(line))) for line in journal.read_text().splitlines()][:2] == ["message", "request"]


async def test_a_fault_that_can_not_be_played_is_refused_with_what_can_be(open_client):
    async with open_client.post("/faults", json={"kind": "explode"}) as answer:
        assert answer.status == 400
        words = (await answer.json())["error"]
    assert "reset_after_accept" in words
    assert "retry_after" in words
    assert "explode" in words
