"""What a partition's owner measures: told once per transaction, and right to the last event."""

from collections import Counter
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain.action import ActionResult
from headrace.metrics import metrics_text
from schemas.topics import JOURNAL
from streams.gauges import EngineGauges
from tests.integration.engine.test_partition import ADA, SMS
from tests.support.engine_spec import DAY_MS
from tests.support.partition import Partition


@pytest.fixture
async def partition(tmp_path):
    one = await Partition(tmp_path).open()
    yield one
    await one.close()


class Host:
    """The partition as the host of its one actor."""

    def __init__(self, partition):
        self.actors, self.dispatcher = {0: partition.actor}, partition.dispatcher
        self.follows()

    def follows(self, reflected=None, awaited=frozenset()):
        self.owned = SimpleNamespace(standbys=SimpleNamespace(reflected=reflected or {}, awaited=awaited))


def shown(partition):
    """Sample name and labels (in the order of their names) -> value."""
    text = metrics_text(partition.registry).decode()
    return {
        (sample.name.removeprefix("headrace_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_every_journal_event_is_counted_by_its_type(partition):
    await partition.publish(SMS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    partition.clock.now_ms += DAY_MS
    await partition.settle()
    types = Counter(event.__struct_config__.tag for event in await partition.journal())
    counted = {key[1]: value for key, value in shown(partition).items() if key[0] == "journal_events_total"}
    assert counted == types
    figures = shown(partition)
    assert figures["transaction_seconds_count",] == figures["transaction_records_count",] > 0
    written = sum([await partition.end(topic) for topic in ("headrace.journal", "contact-changes")])
    assert figures["transaction_records_sum",] == written


async def test_actions_and_attempts_are_counted_by_channel_and_outcome(partition):
    await partition.publish(SMS)
    for number, answer in enumerate(
        [ActionResult.succeeded(), ActionResult.failed("no", "no"), ActionResult.succeeded()]
    ):
        partition.sends.answer = answer
        await partition.fact(f"c{number}", "contact.created", ADA)
        await partition.settle()
    figures = shown(partition)
    assert figures["actions_requested_total", "sms"] == 3
    assert figures["attempts_total", "sms", "succeeded"] == 2
    assert figures["attempts_total", "sms", "failed"] == 1
    assert figures["attempt_seconds_count", "sms"] == 3
    assert figures["incidents_opened_total",] == 1
    assert figures["incidents_resolved_total",] == 0


async def test_an_event_that_comes_again_is_counted_and_not_journaled(partition):
    for _ in range(3):
        await partition.fact("ada", "contact.created", ADA, id="e1")
    await partition.settle()
    assert shown(partition)["duplicates_total",] == 2
    assert await partition.kinds("ada") == ["contact_event_accepted"]


async def test_a_timer_is_as_late_as_it_is_journaled(partition):
    await partition.publish(SMS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    partition.clock.now_ms += DAY_MS + 20_000
    await partition.settle()
    figures = shown(partition)
    assert figures["timer_lateness_seconds_count",] == 1
    assert 19 < figures["timer_lateness_seconds_sum",] < 30
    assert figures["timer_lateness_seconds_bucket", "10.0"] == 0
    assert figures["timer_lateness_seconds_bucket", "30.0"] == 1


async def test_dead_letters_are_counted_by_reason(partition):
    for value in (b"{", b"[]", b"{"):
        await partition.raw(value, key=b"ada")
    await partition.settle()
    figures = shown(partition)
    assert figures["dead_letters_total", "not_json"] == 2
    assert figures["dead_letters_total", "not_object"] == 1


async def test_what_stands_now_is_told_when_somebody_looks(partition):
    gauges = EngineGauges(partition.registry, Host(partition), partition.log, partition.settings.topics.inputs)
    await partition.publish(SMS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    await partition.fact("bob", "contact.created", ADA)
    await partition.fact("eve", "contact.created", ADA)
    await gauges.look()
    figures = shown(partition)
    assert figures["consumer_lag_records", "0", "contact-events"] == 2
    assert figures["consumer_lag_records", "0", "headrace.commands"] == 0
    assert figures["pending_timers", "0"] == 1
    assert figures["catalogue_offset", "0"] == partition.feed.latest.offset
    assert figures["owned_partitions",] == 1
    assert figures["attempts_in_flight", "sms"] == 0

    await partition.settle()
    await gauges.look()
    assert shown(partition)["consumer_lag_records", "0", "contact-events"] == 0
    assert shown(partition)["pending_timers", "0"] == 3


async def test_a_partition_that_left_is_no_longer_shown(partition):
    host = Host(partition)
    gauges = EngineGauges(partition.registry, host, partition.log, partition.settings.topics.inputs)
    await gauges.look()
    host.actors = {}
    await gauges.look()
    figures = shown(partition)
    assert ("pending_timers", "0") not in figures
    assert figures["owned_partitions",] == 0


async def test_what_is_followed_shows_how_far_it_is_behind_its_journal(partition):
    host = Host(partition)
    gauges = EngineGauges(partition.registry, host, partition.log, partition.settings.topics.inputs)
    end = await partition.log.end_offset(JOURNAL, 0)
    host.follows({0: end - 1}, awaited=frozenset([0]))
    await gauges.look()
    assert shown(partition)["standby_lag_records", "0"] == 1
    assert shown(partition)["awaited_partitions",] == 1

    host.follows()
    await gauges.look()
    assert ("standby_lag_records", "0") not in shown(partition)


async def test_no_contact_is_named(partition):
    await partition.publish(SMS)
    await partition.fact("ada-lovelace", "contact.created", ADA)
    await partition.settle()
    text = metrics_text(partition.registry).decode()
    assert not any(word in text for word in ("lovelace", "+1555", "Ada"))
