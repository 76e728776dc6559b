"""A worker dies at every instant of a call, on every channel: what its successor makes of it, and whether the audit agrees.

Death is an actor that is left as it stands, with its log closed: nothing of it is finished or told any more.
(`tests/crash` kills whole processes, at random instants.)
"""

import asyncio
import time
from collections import Counter

import pytest

from domain.audit import Intent, audit
from projections.changes import RowChanges
from projections.read_models import fold_journal_event
from schemas.event_log import Record
from streams.providers.listing import sendgrid_messages, twilio_messages
from streams.providers.settings import SendGridSettings, TwilioSettings
from tests.support.engine_spec import step, workflow
from tests.support.partition import START_MS, Partition
from tests.support.provider_calls import API_KEY, TOKEN, actions_at

ANN = {"contact": {"first_name": "Ann", "phone": "+15550100", "email": "ann@example.org"}}
QUICK = {"answer_within_ms": 1_000, "ask_after_ms": (50, 50, 50)}
"""So that engine time, which is set by hand, stays within a moment of the providers'."""
RECORD = Record(topic="headrace.journal", partition=0, offset=0, timestamp_ms=START_MS, key=b"ann", value=b"")
CHANNELS = ("sms", "email", "http")


def flow(channel, url):
    steps = {
        "sms": lambda: step("it", "send_sms", body="Hi {{first_name}}"),
        "email": lambda: step("it", "send_email", subject="Hi", body="Hi {{first_name}}"),
        "http": lambda: step("it", "http_request", url=f"{url}/http/hook"),
    }
    return workflow(steps[channel]())


class Worker:
    """A partition's owner with the real adapters, and the sandbox as all of its providers."""

    def __init__(self, directory, actions, client):
        self.partition = Partition(directory, actions=actions, **QUICK)
        self.client = client

    async def begins(self, flow):
        await self.partition.open()
        await self.partition.publish(flow)
        await self.partition.fact("ann", "contact.created", ANN)
        await self.partition.deliver()

    async def taken(self):
        async with self.client.get("/inbox.json") as answer:
            return (await answer.json())["messages"]

    async def seen(self):
        async with self.client.get("/requests.json") as answer:
            return [one for one in (await answer.json())["requests"] if one["method"] == "POST"]

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not await condition():
                await asyncio.sleep(0.005)

    async def dies(self):
        await self.partition.kill()
        for task in self.partition.dispatcher._tasks:
            task.cancel()
        await asyncio.sleep(0)

    async def comes_to_rest(self):
        """Cycles until nothing is left to do; time is what the next timer is due at."""
        partition, due_ms = self.partition, 0
        async with asyncio.timeout(30):
            while due_ms is not None:
                partition.clock.now_ms = max(partition.clock.now_ms, due_ms)
                while await partition.actor.cycle() or partition.actor.reported:
                    while partition.dispatcher.in_flight or partition.dispatcher.questions:
                        await asyncio.sleep(0.005)
                due_ms = partition.actor.store.next_due_ms()


async def before_the_call(worker):
    worker.partition.dispatcher.submit = lambda attempt: None
    await worker.partition.actor.cycle()


async def during_the_call(worker):
    await worker.client.post("/faults", json={"kind": "hang", "times": 1})
    await worker.partition.actor.cycle()
    await worker.until(worker.seen)


async def after_it_was_taken(worker):
    await worker.client.post("/faults", json={"kind": "delay", "delay_s": 30, "times": 1})
    await worker.partition.actor.cycle()
    await worker.until(worker.taken)


async def before_its_outcome_is_journaled(worker):
    await worker.partition.actor.cycle()

    async def answered():
        return worker.partition.actor.reported

    await worker.until(answered)


INSTANTS = {
    before_the_call: 0,
    during_the_call: 0,
    after_it_was_taken: 1,
    before_its_outcome_is_journaled: 1,
}
"""Each instant, and how many messages the provider has then."""


@pytest.mark.parametrize("instant", INSTANTS, ids=lambda instant: instant.__name__)
@pytest.mark.parametrize("channel", CHANNELS)
async def test_what_became_of_a_call_whose_worker_died(channel, instant, sandbox, client, tmp_path):
    since_ms = int(time.time() * 1000) - 60_000
    async with actions_at(sandbox.url) as actions, actions_at(sandbox.url) as others:
        worker = Worker(tmp_path, actions, client)
        await worker.begins(flow(channel, sandbox.url))
        await instant(worker)
        assert (await worker.partition.kinds("ann"))[-1] == "attempt_started"
        await worker.dies()
        taken = len(await worker.taken())
        assert taken == INSTANTS[instant]

        heir = Worker(tmp_path, others, client)
        heir.partition.workflows = worker.partition.workflows
        heir.partition.clock.now_ms = worker.partition.clock.now_ms
        await heir.partition.open()
        await heir.comes_to_rest()
        journal = await heir.partition.journal()
        kinds = Counter(event.__struct_config__.tag for event in journal)
        await heir.partition.close()

        messages = await heir.taken()
        if channel == "http":  # repeated under its own key: its service tells the second from the first
            assert kinds["enrollment_completed"] == 1
            assert len({message["action_key"] for message in messages}) == 1
            assert (kinds["attempt_started"], len(messages)) == (2, taken + 1)
        else:  # never twice: it is found, or a person is asked
            assert (kinds["attempt_started"], len(messages)) == (1, taken)
            assert (kinds["enrollment_completed"], kinds["incident_opened"]) == ((1, 0) if taken else (0, 1))
            findings = await audited(sandbox.url, journal, channel, since_ms)
            assert [finding.kind for finding in findings] == ([] if taken else ["unknown"])


async def audited(url, journal, channel, since_ms):
    """What the audit says of the ledger that the journal gives; its times are the journal's, so they are moved to now."""
    changes = RowChanges()
    for event in journal:
        fold_journal_event(changes, event, RECORD)
    now_ms = int(time.time() * 1000)
    intents = [
        Intent(
            action_key=row["action_key"],
            contact_id=row["contact_id"],
            channel=row["channel"],
            recipient=row["recipient"],
            outcome=row["outcome"],
            provider_id=row["provider_id"],
            requested_at_ms=now_ms - 10_000,
        )
        for row in changes.ledger.new.values()
    ]
    assert len(intents) == 1
    if channel == "sms":
        settings = TwilioSettings(account_sid="AC1", auth_token=TOKEN, from_number="+15550199", base_url=url)
        messages = await twilio_messages(settings, since_ms, now_ms + 60_000)
    else:
        settings = SendGridSettings(api_key=API_KEY, from_email="crm@example.org", base_url=url)
        messages = await sendgrid_messages(settings, since_ms, now_ms + 60_000)
    return audit(intents, messages, channels={channel}, now_ms=now_ms)
