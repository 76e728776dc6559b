"""The job `audit` beside a sandbox: whose a message is, however long ago it was asked for."""

import time

import psycopg
import pytest
from aiohttp import BasicAuth

from domain.times import format_time
from headrace.jobs import audit
from headrace.jobs.context import SANDBOX_VARIABLE, JobContext
from headrace.settings import load_settings
from tests.support.provider_calls import TOKEN

ENROLLMENT = "00000000-0000-8000-8000-000000000001"
THREE_DAYS_MS = 3 * 86_400_000


def of_the_last_hour() -> audit.Request:
    """Up to a minute from now: providers tell the time in whole seconds."""
    return audit.Request(since="1h", until=format_time(int(time.time() + 60) * 1_000), channels=("sms",))


async def sms(client) -> str:
    """An SMS that the provider took just now, by its id."""
    form = {"To": "+15550100001", "From": "+15005550006", "Body": "late but there"}
    path = "/2010-04-01/Accounts/AC1/Messages.json"
    async with client.post(path, data=form, auth=BasicAuth("AC1", TOKEN)) as answer:
        return str((await answer.json())["sid"])


def asked_for(url: str, provider_id: str, *, before_ms: int, outcome: str = "succeeded") -> None:
    """A row of the ledger of so long ago."""
    row = """INSERT INTO send_ledger (action_key, contact_id, enrollment_id, step_id, step_type, visit, channel,
                 recipient, outcome, attempts, provider_id, requested_at, seq)
             VALUES (%s, 'ada', %s, 'hi', 'send_sms', 1, 'sms', '+15550100001', %s, 1, %s, to_timestamp(%s), 1)"""
    with psycopg.connect(url) as connection:
        connection.execute(
            row, [f"{ENROLLMENT}/hi/1", ENROLLMENT, outcome, provider_id, time.time() - before_ms / 1000]
        )


@pytest.fixture
def context(read_side_url, sandbox, monkeypatch, tmp_path) -> JobContext:
    """The surroundings of a job beside the sandbox."""
    monkeypatch.setenv(SANDBOX_VARIABLE, sandbox.url)
    for name, value in {
        "ACCOUNT_SID": "AC1",
        "AUTH_TOKEN": TOKEN,
        "BASE_URL": sandbox.url,
        "FROM": "+15005550006",
    }.items():
        monkeypatch.setenv(f"HEADRACE_TWILIO_{name}", value)
    return JobContext(settings=load_settings(database_url=read_side_url, data_dir=tmp_path))


async def test_a_message_that_waited_for_its_provider_for_days_is_no_stranger(context, read_side_url, client):
    asked_for(read_side_url, await sms(client), before_ms=THREE_DAYS_MS)

    report = await audit.run(of_the_last_hour(), context)

    assert (report.ok, report.report["intents"], list(report.report["findings"])) == (True, 1, [])


async def test_what_the_ledger_says_of_it_is_judged_all_the_same(context, read_side_url, client):
    asked_for(read_side_url, await sms(client), before_ms=THREE_DAYS_MS, outcome="failed")

    report = await audit.run(of_the_last_hour(), context)

    assert [finding["kind"] for finding in report.report["findings"]] == ["contradiction"]


async def test_a_message_that_nobody_asked_for_is_a_stranger(context, client):
    stranger = await sms(client)

    report = await audit.run(of_the_last_hour(), context)

    assert [(one["kind"], one["provider_id"]) for one in report.report["findings"]] == [("unowned", stranger)]
