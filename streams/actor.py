"""The partition actor: one worker owns a partition, takes its inputs in order, decides, commits, and acts.

A cycle is one transaction: journal records, outgoing changes, dead letters and input positions together. Nothing
leaves (store, dispatcher, listeners) before its own commit; whatever goes wrong in a commit ends the process.
"""

# over 300 lines because a partition's whole life, from fencing its old owner to its cycles, is read in one place

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

import structlog

from domain import command as c
from domain.clock import Clock
from schemas.event_log import EventLog, PartitionWriter, Record
from streams.agenda import due_enrollments
from streams.attempt import attempt_of, inquiry_of
from streams.batch import Batch
from streams.catalogue_feed import CatalogueFeed, Snapshot
from streams.dispatcher import Dispatcher
from streams.gate import Gate
from streams.intake import Intake
from streams.metrics import EngineMetrics
from streams.opening import begin_store, catch_up
from streams.partition_settings import GROUP, PartitionSettings
from streams.starting import start_attempts
from streams.store import Store
from streams.work import Work

_log = structlog.get_logger(__name__)
_IDLE_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.25
"""Input on its way wakes the actor when it comes; to look for it at each due timer would keep the brokers busy."""
_RECONCILE_CHUNK: Final = 200
_HELD: Final = "held"
_CLOCK_IS_WRONG: Final = "clock"


class PartitionActor:
    """Owns one partition. `take` is called by the agents, `report` by the dispatcher, `run` by the host."""

    def __init__(
        self,
        partition: int,
        *,
        log: EventLog,
        feed: CatalogueFeed,
        dispatcher: Dispatcher,
        clock: Clock,
        settings: PartitionSettings,
        seek: Callable[[str, int, int], None],
        metrics: EngineMetrics | None = None,
        speaks_of: Callable[[str, int], bool] = lambda _channel, _partition: True,
    ) -> None:
        self.partition = partition
        self._speaks_of = speaks_of
        """Whether it is this partition that tells of a channel whose provider is down, for all of its worker's."""
        self._metrics = metrics or EngineMetrics()
        self._log, self._feed, self._dispatcher, self._clock = log, feed, dispatcher, clock
        self._settings, self._seek = settings, seek
        self._wake = asyncio.Event()
        self._intake = Intake(settings.max_queued_bytes, self._wake.set)
        self._read_until: dict[str, int] = {}
        """Broker time of the last record that was taken in, by input topic."""
        self._walked: str | None = None
        """How far the walk over open enrollments got; None when none is going on."""
        self._behind = False
        """Whether a timer is due that unread input might still come before."""
        self._writer: PartitionWriter
        self._begun: Store | None = None
        """The store, from when it is opened, until it is given up or closed."""
        self._store: Store
        """The same, from when it is folded."""
        self._snapshot: Snapshot
        self._stopping = self._closed = False
        self._gate = Gate()

    # ------------------------------------------------------------ life

    async def open(self) -> None:
        """Fence the old owner, fold the journal to its end, and be ready to work."""
        await self.fence()
        await self.fold()
        await self.begin()

    async def fence(self) -> None:
        """Become the partition's owner: nobody before us writes from here on."""
        self._writer = await self._log.open_writer(GROUP, self.partition)

    async def fold(self, begun: Store | None = None) -> None:
        """Fold the journal to its end (into a store that was begun, if it was) and find out where the inputs go on."""
        began = time.monotonic()
        self._begun = begun or await begin_store(self._log, self.partition, self._settings)
        first = self._begun.reflected.offset
        await catch_up(self._log, self.partition, self._begun, self._settings)
        self._store = self._begun
        took = round(time.monotonic() - began, 3)
        _log.debug(
            "partition.folded", partition=self.partition, **{"from": first}, seconds=took, warm=begun is not None
        )

    async def begin(self) -> None:
        """Wait for the definitions that the journal says are in force; on the very first start, say so in it."""
        await self._feed.wait_for(self._store.reflected.partition.catalogue_offset)
        await self._gate.until_open()
        with self._gate:
            await self._begin()
        self._feed.listen(self._wake.set)

    async def _begin(self) -> None:
        self._snapshot = self._feed.after(self._store.reflected.partition.catalogue_offset)
        if self._store.reflected.offset == 0:
            work = self._work()
            work.open_partition(fires_from_ms=0 if self._settings.from_start_fires else work.now_ms)
            await self._commit(work)
        partition = self._store.reflected.partition
        for channel in partition.paused:
            self._dispatcher.presume_down(channel)
        self._snapshot = self._feed.at(partition.catalogue_offset)
        if partition.reconciled_offset < partition.catalogue_offset:
            self._walked = ""

    # ------------------------------------------------------------ ownership

    def join(self, membership: bytes) -> None:
        """Commit positions as this member of the consumer group from now on; call it while held, or before `begin`."""
        self._writer.join(membership)

    async def hold(self) -> None:
        """Finish the transaction in hand and begin none; what is delivered meanwhile is dropped: it comes again."""
        self._gate.forbid(_HELD)
        self._intake.let_in()
        await self._gate.shut(_HELD)
        self._intake.drop()

    def go_on(self) -> None:
        """Work again after `hold`, from `position` on."""
        self._gate.open(_HELD)
        self._wake.set()

    def trust_clock(self, trusted: bool) -> None:
        """Decide nothing while the clock is wrong; input waits."""
        (self._gate.open if trusted else self._gate.forbid)(_CLOCK_IS_WRONG)

    def unheard(self) -> list[c.ReportOutcome]:
        """The outcomes that were reported and will not be taken in here any more; call it while held."""
        reports = list(self._intake.reports)
        self._intake.reports.clear()
        return reports

    def position(self, topic: str) -> int:
        """The next offset of an input topic to be taken in."""
        return self._store.reflected.positions.get(topic, 0)

    @property
    def is_open(self) -> bool:
        """Whether the local state can be looked at."""
        return hasattr(self, "_store") and not self._closed

    @property
    def store(self) -> Store:
        """The local state, to be looked at and not to be changed; ask `is_open` before."""
        return self._store

    @property
    def walked(self) -> str | None:
        """How far the walk over open enrollments has got; None when none is going on."""
        return self._walked

    @property
    def pending_timers(self) -> int:
        """How many contacts wait for a timer."""
        return self._store.count_timers()

    @property
    def catalogue_offset(self) -> int:
        """Definitions below it are in force."""
        return self._store.reflected.partition.catalogue_offset

    @property
    def paused_channels(self) -> Collection[str]:
        """Channels of which the partition's journal says that their provider is down."""
        return self._store.reflected.partition.paused

    @property
    def last_time_ms(self) -> int:
        """The latest engine time in the partition's journal."""
        return self._store.reflected.partition.last_time_ms

    async def take(self, batch: Batch) -> None:
        """Accept a batch of input; waits while too many are queued (the other partitions go on)."""
        while self._intake.is_full and not (self._stopping or self._gate.is_shut(_HELD)):
            await self._intake.room()
        if not self._gate.is_shut(_HELD):
            self._intake.put(batch)

    def report(self, outcome: c.ReportOutcome) -> None:
        """Accept the outcome of an attempt."""
        self._intake.report(outcome)

    @property
    def is_behind(self) -> bool:
        """Whether so much input waits that it will be some transactions until it is taken in."""
        return self._intake.is_behind

    @property
    def reported(self) -> bool:
        """Whether outcomes wait to be taken in."""
        return bool(self._intake.reports)

    def nudge(self) -> None:
        """Look again: a slot became free."""
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`, sleeping when there is nothing to do."""
        while not self._stopping:
            await self._gate.until_open()
            self._wake.clear()
            with self._gate:
                busy = await self.cycle()
            if not busy and not self._wake.is_set():
                await self._sleep()

    def stop(self) -> None:
        """Let `run` return after the cycle in hand."""
        self._stopping = True
        self._intake.let_in()
        self._wake.set()

    async def settle(self) -> None:
        """After `run` has returned: take in the outcomes that calls in flight reported."""
        while self._intake.reports:
            work = self._work()
            self._take_reports(work)
            await self._commit(work)

    def let_go(self) -> Store | None:
        """Give the partition up, and its store, as far as it is folded, to whoever follows the partition from now on."""
        self._closed = True
        store, self._begun = self._begun, None
        return store

    async def close(self) -> None:
        """Give the partition up; the store is closed cleanly."""
        self._feed.forget(self._wake.set)
        store = self.let_go()
        await self._writer.close()
        if store is not None:
            await asyncio.to_thread(store.close)  # it reaches the disk: the other partitions don't wait for that

    async def _sleep(self) -> None:
        due_ms = self._store.next_due_ms()
        timeout = _IDLE_S
        if due_ms is not None:
            timeout = min(timeout, max(0.0, (due_ms - self._clock()) / 1000 / self._settings.time_scale))
        paced_s = self._dispatcher.pace.next_s(self._store.waiting_channels())
        if paced_s is not None:
            timeout = min(timeout, paced_s)
        if self._behind:  # what is due waits for input that is on its way, and that wakes us
            timeout = max(timeout, _LOOK_AGAIN_S)
        try:
            async with asyncio.timeout(max(timeout, 0.0005)):
                await self._wake.wait()
        except TimeoutError:
            pass

    # ------------------------------------------------------------ one cycle

    async def cycle(self) -> bool:
        """Take in what there is, decide, commit, act. False when there was nothing to do."""
        work = self._work()
        self._advance_catalogue(work)
        self._take_reports(work)
        self._take_batches(work)
        await self._fire_timers(work)
        self._walk(work)
        self._tell_of_channels(work)
        start_attempts(work, self._store, self._dispatcher)
        return await self._commit(work)

    def _work(self) -> Work:
        reflected = self._store.reflected
        now_ms = max(self._clock(), reflected.partition.last_time_ms)
        catalogue = getattr(self, "_snapshot", self._feed.latest).catalogue
        return Work(self.partition, self._store, catalogue, now_ms, self._settings)

    def _advance_catalogue(self, work: Work) -> None:
        if self._walked is not None:  # one change that touches enrollments at a time
            return
        current = self._store.reflected.partition.catalogue_offset
        target = self._feed.after(current)
        if target.offset <= current:
            return
        work.advance_catalogue(target.offset, reconciled=not target.touches)
        work.catalogue = target.catalogue
        self._snapshot = target
        if target.touches:
            self._walked = ""

    def _take_reports(self, work: Work) -> None:
        reports = self._intake.reports
        while reports and work.size < self._settings.max_events:
            work.decide(reports.popleft())

    def _take_batches(self, work: Work) -> None:
        batches = self._intake.batches()
        while work.size < self._settings.max_events and (batch := next(batches, None)) is not None:
            position = work.positions.get(batch.topic, 0)
            if batch.first > position:  # records were dropped on the way: read again from where we are
                _log.warning("input.gap", topic=batch.topic, partition=self.partition, at=position, got=batch.first)
                self._intake.drop(batch.topic)
                self._seek(batch.topic, self.partition, position)
                continue
            self._take_records(work, [record for record in batch.records if record.offset >= position])
            work.positions[batch.topic] = max(position, batch.next)
        if not self._intake.is_full:
            self._intake.let_in()

    def _take_records(self, work: Work, records: list[Record]) -> None:
        for record in records:
            work.take_record(record)
            self._read_until[record.topic] = record.timestamp_ms

    async def _fire_timers(self, work: Work) -> None:
        """Fire what is due, but nothing that an unread input might still come before."""
        first = self._store.next_due_ms()
        self._behind = False
        if first is None or first > work.now_ms:
            return
        horizon_ms = await self._horizon_ms(work)
        self._behind = first > horizon_ms
        for contact_id in self._store.due(horizon_ms, self._settings.max_timers):
            for enrollment_id in due_enrollments(work.state(contact_id), horizon_ms):
                work.fire_timer(contact_id, enrollment_id)

    async def _horizon_ms(self, work: Work) -> int:
        """The time up to which all inputs are known: now if they are caught up, else that of the last one read."""
        horizon = work.now_ms
        for topic in self._settings.topics.inputs:
            if work.positions.get(topic, 0) < await self._log.end_offset(topic, self.partition):
                horizon = min(horizon, self._read_until.get(topic, 0))
        return horizon

    def _walk(self, work: Work) -> None:
        """Bring the next few open enrollments in line with the catalogue."""
        if self._walked is None:
            return
        contact_ids = self._store.open_contacts(self._walked, _RECONCILE_CHUNK)
        for contact_id in contact_ids:
            work.reconcile(contact_id)
        if contact_ids:
            self._walked = contact_ids[-1]
            self._wake.set()
        else:
            work.catalogue_reconciled()
            self._walked = None

    def _tell_of_channels(self, work: Work) -> None:
        """Journal which channels' providers are down; a partition that said so says, too, when that is over."""
        down, told = self._dispatcher.outages, work.partition_state.paused
        for channel in sorted(told.keys() - down.keys()):
            work.channel_resumed(channel)
        for channel in sorted(down.keys() - told.keys()):
            if self._speaks_of(channel, self.partition):
                work.channel_paused(channel, down[channel])

    async def _commit(self, work: Work) -> bool:
        records = work.records()
        if not records and not work.moved:
            return False
        reflected = self._store.reflected
        began = time.monotonic()
        offsets = await self._writer.commit(records, work.positions)
        seconds = time.monotonic() - began
        journal = offsets[: work.journal_length]
        if journal and (journal[0] < reflected.offset or (self._log.dense and journal[0] > reflected.offset)):
            message = f"journal partition {self.partition}: expected offset {reflected.offset}, wrote {journal[0]}"
            raise RuntimeError(message)
        self._store.apply(
            work.states,
            expected_offset=reflected.offset,
            offset=journal[-1] + 1 if journal else reflected.offset,
            last_event=work.last_event,
            positions=work.positions,
            partition=work.partition_state,
        )
        for event in work.started:
            self._dispatcher.submit(attempt_of(work.state(event.contact_id), event))
        for asked in work.asked:
            inquiry = inquiry_of(work.state(asked.contact_id), asked)
            if inquiry is not None:
                self._dispatcher.ask(inquiry)
        self._metrics.committed(work, records=len(records), seconds=seconds, time_scale=self._settings.time_scale)
        return True
