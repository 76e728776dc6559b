"""A provider that is down: one incident, in the journal of one partition, that closes itself; nothing is burnt or lost."""

import asyncio

from domain.action import ActionResult
from domain.journal import ChannelPaused, ChannelResumed
from domain.workflow import Retry
from streams.breaker import THRESHOLD
from tests.support.engine_spec import step, workflow
from tests.support.partition import Partition

DOWN = ActionResult.failed("connect_failed", "nobody there", retryable=True, outage=True)
SMS = workflow(step("hi", "send_sms", body="Hi {{first_name}}", retry=Retry(max_attempts=2)))


async def told(partition):
    """What the journal says of channels."""
    return [event for event in await partition.journal() if isinstance(event, ChannelPaused | ChannelResumed)]


async def arrive(partition, *contact_ids):
    for contact_id in contact_ids:
        partition.clock.now_ms += 1
        await partition.fact(contact_id, "contact.created", {"contact": {"first_name": contact_id, "phone": "+1"}})
        await partition.settle()


async def until(partition, condition):
    """Let real and engine time pass until it holds."""
    async with asyncio.timeout(20):
        while not await condition():
            partition.clock.now_ms += 500
            await asyncio.sleep(0.01)
            await partition.settle()


async def test_an_outage_is_one_incident_and_everything_goes_out_in_order_afterwards(tmp_path):
    partition = await Partition(tmp_path, slots=1).open()
    await partition.publish(SMS)
    partition.sends.answer = DOWN
    names = [f"c{n}" for n in range(THRESHOLD + 4)]
    await arrive(partition, *names)
    await partition.settle()
    (paused,) = await told(partition)
    assert (paused.channel, paused.code) == ("sms", "connect_failed")
    calls = len(partition.sends.calls)

    async def tried():
        return len(partition.sends.calls) > calls

    await until(partition, tried)  # with a real message, whose attempt is given back
    partition.sends.answer, partition.sends.calls = ActionResult.succeeded(), []

    async def all_sent():
        return len(partition.sends.calls) == len(names)

    await until(partition, all_sent)
    waited = [call["body"].removeprefix("Hi ") for call in partition.sends.calls]
    assert sorted(waited) == sorted(names)
    paused, resumed = await told(partition)
    assert isinstance(resumed, ChannelResumed)
    assert resumed.incident_id == paused.incident_id
    assert [e for e in await partition.journal() if e.__struct_config__.tag == "incident_opened"] == []
    await partition.close()


async def test_an_outage_outlasts_the_worker_and_stays_one_incident(tmp_path):
    partition = await Partition(tmp_path, slots=1).open()
    await partition.publish(SMS)
    partition.sends.answer = DOWN
    await arrive(partition, *[f"c{n}" for n in range(THRESHOLD + 1)])
    await partition.settle()
    await partition.kill()
    again = Partition(tmp_path)
    again.workflows, again.clock = partition.workflows, partition.clock
    again.sends.answer = DOWN
    await again.open()
    await again.settle()
    assert again.actor.paused_channels.keys() == {"sms"}
    again.sends.answer = ActionResult.succeeded()

    async def over():
        return not again.actor.paused_channels

    await until(again, over)
    assert [type(event) for event in await told(again)] == [ChannelPaused, ChannelResumed]
    await again.close()
