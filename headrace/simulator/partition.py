"""One partition driven through virtual time: the work, store and log of its owner, and nobody who waits.

The queue holds what will happen (facts, outcomes, timers); it is taken in order of time, and at one time in the order
in which a partition's owner takes things: outcomes, inputs, timers. Many of them share a transaction, as when an owner
is busy, but each is decided at its own time.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from domain import journal as j
from domain.catalogue import Catalogue
from domain.command import EnrollContact, ReportDelivery, ReportOutcome
from domain.contact_event import ContactEvent
from domain.steps.kinds import MESSAGE_CHANNELS
from domain.times import format_time
from headrace.simulator.population import BY_HAND, Fact, Life
from headrace.simulator.providers import answer_to, told_of
from schemas.command import encode_command
from schemas.contact_event import cloud_event
from schemas.event_log import NewRecord, PartitionWriter, Record
from schemas.topics import COMMANDS
from streams.partition_settings import PartitionSettings
from streams.store import Store
from streams.work import Work

SOURCE: Final = "simulator"
"""The `source` of the made-up contact events."""
_SPANS: Final = 200
"""Parts of the history, each of which has transactions of its own: the records of one share a timestamp."""
_OUTCOME, _INPUT, _TIMER = 0, 1, 2

Listener = Callable[[Sequence[j.JournalEvent]], None]


class VirtualClock:
    """The log's clock: whatever time it is told."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        """The time now."""
        return self.now_ms


class VirtualPartition:
    """Takes the lives of its contacts to their end, or to the end of the history."""

    def __init__(
        self,
        partition: int,
        *,
        writer: PartitionWriter,
        store: Store,
        catalogue: Catalogue,
        clock: VirtualClock,
        settings: PartitionSettings,
        seed: int,
        listener: Listener,
        reported: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """Stand before the first event; `reported` are workflows and steps whose messages' deliveries are waited for."""
        self.partition = partition
        self._writer, self._store, self._catalogue = writer, store, catalogue
        self._clock, self._settings, self._seed, self._listener = clock, settings, seed, listener
        self._reported = reported
        self._queue: list[tuple[int, int, int, Any]] = []
        self._order = itertools.count()
        self._lives: dict[str, Life] = {}
        self._inputs: list[NewRecord] = []
        self._armed: dict[str, int] = {}
        """When the timer of each enrollment that was queued last is due."""
        self._work = self._new_work(clock.now_ms)
        self._began_ms, self._span_ms = clock.now_ms, 0.0
        """Of the transaction in hand: when it begins in virtual time, and how long it may last."""

    async def begin(self, catalogue_offset: int) -> None:
        """Write the partition's first events: from when it fires triggers, and the definitions in force."""
        self._work.open_partition(fires_from_ms=0)
        self._work.advance_catalogue(catalogue_offset, reconciled=True)
        await self._commit()

    async def run(self, lives: Iterable[Life], *, until_ms: int) -> None:
        """Let the contacts live until then. Timers that are due later stay; calls under way end."""
        for life in lives:
            self._lives[life.contact_id] = life
            for fact in life.facts():
                self._put(fact.at_ms, _INPUT, (life.contact_id, fact))
        self._span_ms = (until_ms - self._began_ms) / _SPANS
        while self._queue:
            at_ms, kind, _, what = heapq.heappop(self._queue)
            if at_ms > until_ms and kind != _OUTCOME:
                continue
            await self._take(min(at_ms, until_ms), kind, what)
        self._clock.now_ms = until_ms
        await self._commit()

    async def _take(self, at_ms: int, kind: int, what: Any) -> None:
        if self._work.size >= self._settings.max_events or at_ms - self._began_ms > self._span_ms:
            await self._commit()
            self._began_ms = at_ms
        self._clock.now_ms = self._work.now_ms = max(at_ms, self._work.now_ms)
        before = self._work.size
        match kind:
            case 0:
                contact_id = self._take_outcome(*what)
            case 1:
                contact_id, fact = what
                self._take_input(contact_id, fact, at_ms)
            case _:
                contact_id, enrollment_id, due_ms = what
                if self._armed.get(enrollment_id) == due_ms:
                    del self._armed[enrollment_id]
                    self._work.fire_timer(contact_id, enrollment_id)
        if self._work.size > before:
            self._follow(contact_id)

    def _take_outcome(self, channel: str, report: ReportOutcome) -> str:
        """An SMS that went out may be answered, and what is waited for is told of a message."""
        self._work.decide(report)
        if channel in MESSAGE_CHANNELS and report.outcome == "succeeded":
            self._tell_of_message(channel, report)
        answer = None
        if channel == "sms" and report.outcome == "succeeded":
            answer = self._lives[report.contact_id].answer(self._work.now_ms)
        if answer is not None:
            self._put(answer.at_ms, _INPUT, (report.contact_id, answer))
        return report.contact_id

    def _tell_of_message(self, channel: str, report: ReportOutcome) -> None:
        enrollment = self._work.state(report.contact_id).enrollments.get(report.enrollment_id)
        step_id, _, visit = report.action_key.removeprefix(f"{report.enrollment_id}/").rpartition("/")
        if enrollment is None or (enrollment.workflow_id, step_id) not in self._reported:
            return
        about = (report.contact_id, enrollment.id, step_id, int(visit), channel)
        for told in told_of(*about, seed=self._seed):
            self._put(self._work.now_ms + told.after_ms, _INPUT, (report.contact_id, told.report))

    def _take_input(self, contact_id: str, fact: Fact | ReportDelivery, at_ms: int) -> None:
        """The fact as a record at the end of its topic, taken in as any other record is."""
        topic, value, headers = self._record_of(contact_id, fact)
        new = NewRecord(
            topic=topic, partition=self.partition, key=contact_id.encode(), value=value, headers=tuple(headers)
        )
        self._inputs.append(new)
        positions = self._work.positions
        offset = positions.get(topic, 0)
        record = Record(
            topic=topic,
            partition=self.partition,
            offset=offset,
            timestamp_ms=at_ms,
            key=new.key,
            value=value,
            headers=new.headers,
        )
        self._work.take_record(record)
        positions[topic] = offset + 1

    def _record_of(
        self, contact_id: str, fact: Fact | ReportDelivery
    ) -> tuple[str, bytes, Iterable[tuple[str, bytes]]]:
        if isinstance(fact, ReportDelivery):
            return COMMANDS, encode_command(fact), ()
        identity = f"{contact_id}/{fact.type}/{fact.at_ms}"
        if fact.type == BY_HAND:
            command = EnrollContact(
                command_id=identity, contact_id=contact_id, workflow_id=str(fact.data["workflow_id"])
            )
            return COMMANDS, encode_command(command), ()
        event = ContactEvent(
            contact_id=contact_id,
            source=SOURCE,
            id=identity,
            type=fact.type,
            data=fact.data,
            time=format_time(fact.at_ms),
        )
        value, headers = cloud_event(event)
        return self._settings.topics.contact_events, value, headers

    def _follow(self, contact_id: str) -> None:
        """Queue what the new events lead to: attempts begin at once, timers and answers come in their time."""
        work = self._work
        while work.requested:
            asked_of, enrollment_id = work.requested.pop(0)
            enrollment = work.state(asked_of).enrollments.get(enrollment_id)
            if enrollment is not None and enrollment.action is not None and enrollment.action.status == "requested":
                work.start_attempt(asked_of, enrollment_id)
                self._call(asked_of, enrollment_id)
        for enrollment in work.state(contact_id).enrollments.values():
            timer = enrollment.timer
            if timer is not None and self._armed.get(enrollment.id) != timer.due_at_ms:
                self._armed[enrollment.id] = timer.due_at_ms
                self._put(timer.due_at_ms, _TIMER, (contact_id, enrollment.id, timer.due_at_ms))

    def _call(self, contact_id: str, enrollment_id: str) -> None:
        action = self._work.state(contact_id).enrollments[enrollment_id].action
        if action is None or action.status != "running":  # it was skipped or held instead
            return
        answered = answer_to(contact_id, enrollment_id, action, seed=self._seed)
        self._put(self._work.now_ms + answered.after_ms, _OUTCOME, (action.channel, answered.report))

    def _put(self, at_ms: int, kind: int, what: Any) -> None:
        heapq.heappush(self._queue, (at_ms, kind, next(self._order), what))

    async def _commit(self) -> None:
        work, reflected = self._work, self._store.reflected
        records = work.records()
        if records:
            offsets = await self._writer.commit([*records, *self._inputs], work.positions)
            self._apply(work, offsets, reflected.offset)
            self._listener(work.events)
        self._inputs = []
        self._work = self._new_work(self._clock.now_ms)

    def _apply(self, work: Work, offsets: Sequence[int], expected: int) -> None:
        self._store.apply(
            work.states,
            expected_offset=expected,
            offset=offsets[work.journal_length - 1] + 1,
            last_event=work.last_event,
            positions=work.positions,
            partition=work.partition_state,
        )

    def _new_work(self, now_ms: int) -> Work:
        return Work(self.partition, self._store, self._catalogue, now_ms, self._settings)
