"""The watch for what is stuck, on a real partition: it finds what is planted or kept from moving, and else nothing."""

import random

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from domain.action import ActionResult
from domain.stuck import Patience
from headrace.metrics import metrics_text
from schemas.topics import CONTACT_EVENTS
from streams.stuck_scan import SLICE, StuckScan
from streams.stuck_watch import StuckWatch
from tests.integration.engine.test_partition import ADA
from tests.support.engine_spec import DAY_MS, step, workflow
from tests.support.partition import Partition

PATIENCE = Patience()
WORKFLOW = workflow(step("sms", "send_sms"), step("wait", "delay"), step("end", "add_tag", tag="x"))


class Host:
    """The partition as the host of its one actor."""

    def __init__(self, partition):
        self._partition = partition

    @property
    def actors(self):
        return {0: self._partition.actor}


class Watch:
    """A partition and its watch, whose real time goes on when it is told to."""

    def __init__(self, partition):
        self.partition, self.seconds = partition, 0.0
        self.watch = StuckWatch(
            Host(partition),
            partition.feed,
            partition.log,
            partition.clock,
            partition.settings,
            partition.metrics,
            monotonic=lambda: self.seconds,
        )

    async def look(self, *, after_s=0.0):
        """What the metrics show after a look: only what is stuck."""
        self.seconds += after_s
        await self.watch.look()
        text = metrics_text(self.partition.registry).decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        shown = {s.labels["reason"]: s.value for s in samples if s.name.startswith("headrace_stuck_")}
        assert len(shown) == 7, "every reason is shown, at 0 too"
        return {reason: count for reason, count in shown.items() if count}


@pytest.fixture
async def partition(tmp_path):
    one = await Partition(tmp_path).open()
    yield one
    await one.close()


@pytest.fixture
async def watch(partition):
    await partition.publish(WORKFLOW)
    return Watch(partition)


async def enrol(partition, *contact_ids):
    for contact_id in contact_ids:
        await partition.fact(contact_id, "contact.created", ADA)
    await partition.settle()


def plant(partition, contact_id, **changes):
    """Tamper with the store: one enrollment becomes as no decision would leave it."""
    store = partition.actor.store
    state = store.get(contact_id)
    (enrollment,) = state.enrollments.values()
    broken = replace(state, enrollments={enrollment.id: replace(enrollment, **changes)})
    reflected = store.reflected
    store.apply(
        {contact_id: broken},
        expected_offset=reflected.offset,
        offset=reflected.offset,
        last_event=None,
        positions=reflected.positions,
        partition=reflected.partition,
    )


# ---------------------------------------------------------------- enrollments


async def test_nothing_is_stuck_while_enrollments_wait(partition, watch):
    await enrol(partition, "ada", "bob")
    assert await watch.look() == {}


async def test_planted_enrollment_that_waits_for_nothing_is_found_and_forgotten_when_it_is_mended(partition, watch):
    await enrol(partition, "ada", "bob")
    timer = next(iter(partition.actor.store.get("bob").enrollments.values())).timer
    plant(partition, "bob", timer=None)
    assert await watch.look() == {"nothing_pending": 1}
    plant(partition, "bob", timer=timer)
    assert await watch.look() == {}


async def test_planted_enrollment_is_found_wherever_the_walk_stands(partition):
    await partition.publish(WORKFLOW)
    names = [f"c{number:04}" for number in range(SLICE * 2 + 10)]
    await enrol(partition, *names)
    plant(partition, names[SLICE + 5], timer=None)
    scan = StuckScan(partition.actor.store, PATIENCE)
    scan.look(partition.clock())
    assert scan.counts == {}
    scan.look(partition.clock())
    assert scan.counts == {"nothing_pending": 1}
    for _ in range(3):
        scan.look(partition.clock())
    assert scan.counts == {"nothing_pending": 1}


async def test_timers_that_nobody_fires_are_found(partition, watch):
    await enrol(partition, "ada", "bob")
    partition.clock.now_ms += DAY_MS + PATIENCE.timer_ms + 1
    assert await watch.look() == {"timer_overdue": 2}
    await partition.settle()
    assert await watch.look() == {}


async def test_actions_that_nobody_starts_are_found(tmp_path):
    partition = await Partition(tmp_path, slots=0).open()
    try:
        await partition.publish(WORKFLOW)
        watch = Watch(partition)
        await enrol(partition, "ada")
        assert await watch.look() == {}
        partition.clock.now_ms += PATIENCE.action_ms + 1
        assert await watch.look() == {"action_waiting": 1}
    finally:
        await partition.close()


async def test_attempt_whose_outcome_is_lost_and_whose_deadline_passes_unseen_is_found(partition, watch):
    partition.dispatcher.submit = lambda _: None
    await enrol(partition, "ada")
    partition.clock.now_ms += partition.settings.answer_within_ms + PATIENCE.timer_ms + 1
    assert await watch.look() == {"attempt_overdue": 1}
    await partition.settle()
    assert await watch.look() == {}, "it is unknown now, and an incident"


async def test_healthy_partition_under_load_never_shows_one(partition, watch):
    chance, seen = random.Random(7), 0
    for number in range(60):
        partition.sends.answer = chance.choice(
            [ActionResult.succeeded(), ActionResult.failed("no", "no"), ActionResult.failed("busy", "busy", retryable=True), ActionResult.unknown("lost", "lost")]
        )  # fmt: skip
        await partition.fact(f"c{number}", "contact.created", ADA)
        await partition.fact(f"c{number // 2}", "contact.sms_received", {"body": "hi"})
        await partition.deliver()
        await partition.actor.cycle()
        assert await watch.look() == {}
        await partition.calls_end()
        partition.clock.now_ms += chance.choice((0, 1_000, 20_000, DAY_MS // 10))
        await partition.settle()
        assert await watch.look() == {}
        seen += len(partition.actor.store.open_contacts("", 1_000))
    assert seen > 500, "there was nothing to look at"


# ---------------------------------------------------------------- partitions


async def test_partition_whose_inputs_nobody_takes_in_is_found_after_a_minute(partition, watch):
    await partition.settle()
    await partition.fact("ada", "contact.created", ADA)
    assert await watch.look() == {}
    assert await watch.look(after_s=59) == {}
    assert await watch.look(after_s=6) == {"inputs_behind": 1}
    await partition.settle()
    assert await watch.look(after_s=6) == {}


async def test_partition_that_lags_and_moves_is_not_stuck(partition, watch):
    await partition.settle()
    for number in range(4):
        await partition.fact(f"c{number}", "contact.created", ADA)
    for _ in range(3):
        position = partition.actor.position(CONTACT_EVENTS)
        assert await watch.look(after_s=40) == {}
        store = partition.actor.store
        store.reflected = replace(
            store.reflected, positions={**store.reflected.positions, CONTACT_EVENTS: position + 1}
        )


async def test_partition_that_does_not_go_by_new_definitions_is_found(partition, watch):
    assert await watch.look() == {}, "the first definitions have been there since before the watch"
    assert await watch.look(after_s=61) == {"catalogue_behind": 1}
    await partition.settle()
    assert await watch.look(after_s=6) == {}


async def test_walk_that_does_not_move_is_found(partition, watch):
    await enrol(partition, "ada")
    partition.actor._walked = "ada"
    assert await watch.look() == {}
    assert await watch.look(after_s=61) == {"walk_stalled": 1}
    await partition.settle()
    assert await watch.look(after_s=6) == {}


async def test_partition_that_was_given_up_is_forgotten(partition, watch):
    await enrol(partition, "ada")
    plant(partition, "ada", timer=None)
    assert await watch.look() == {"nothing_pending": 1}
    await partition.actor.close()
    assert await watch.look() == {}
    await partition.open_actor()
