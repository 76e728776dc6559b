"""A partition's journal read for a backtest: only what matters is decoded, and only contacts that matter live again."""

from collections.abc import Callable, Sequence
from typing import Final

from domain import journal as j
from domain.backtest.contact import Simulation
from domain.backtest.difference import Difference
from domain.backtest.replay import Replay
from domain.backtest.rules import Outcomes, Rules
from domain.backtest.tally import DateOf
from domain.catalogue import Compile
from domain.workflow import Workflow
from projections.backtest.definitions import Catalogues, Definitions
from projections.backtest.outcomes import read_outcomes
from projections.backtest.plan import Actual, Candidate, Plan, Result
from projections.backtest.side import SideTally, read_paths
from schemas.event_log import LogReader, Record
from schemas.journal import decode_event
from schemas.topics import JOURNAL

_READ_LIMIT: Final = 5_000
_TYPE_AT: Final = len(b'{"type":"')
_ALWAYS: Final = frozenset({b"contact_event_accepted", b"contact_changed", b"consent_changed"})
_ENDS: Final = frozenset({b"enrollment_completed", b"enrollment_exited", b"enrollment_cancelled"})
_ATTEMPTS: Final = frozenset({b"attempt_started", b"attempt_failed"})
_CHANGING_KINDS: Final = frozenset({"add_tag", "remove_tag", "update_field"})

Progress = Callable[[int], None]
"""Is told how many journal events were read; at the end each was read twice."""


async def backtest_partition(
    log: LogReader, partition: int, plan: Plan, definitions: Definitions, compile_: Compile, progress: Progress
) -> Result:
    """Replay one partition from its first event up to the window's end."""
    ahead = 0

    def read_ahead(count: int) -> None:
        nonlocal ahead
        ahead = count
        progress(count)

    outcomes = await read_outcomes(log, partition, plan, read_ahead)
    pass_ = _Pass(plan, Catalogues(definitions, compile_), compile_, outcomes)
    position, end = 0, await log.end_offset(JOURNAL, partition)
    while position < end and not pass_.is_over:
        chunk = await log.read(JOURNAL, partition, position, limit=_READ_LIMIT)
        pass_.take(chunk.records)
        position = max(chunk.next, position + 1)
        progress(ahead + min(position, end))
    progress(2 * end)
    return pass_.result()


class _Pass:
    """The state of reading one partition."""

    def __init__(self, plan: Plan, catalogues: Catalogues, compile_: Compile, outcomes: Outcomes) -> None:
        self._plan, self._catalogues = plan, catalogues
        workflow_id = plan.window.workflow_id
        date_of = DateOf()
        self._sides = [SideTally(workflow_id, date_of, keep=plan.compares) for _ in plan.sides]
        simulations: list[Simulation] = []
        self._actual: list[SideTally] = []
        candidates: list[Workflow] = []
        for side, tally in zip(plan.sides, self._sides, strict=True):
            if isinstance(side, Actual):
                self._actual.append(tally)
            else:
                candidates.append(_compiled(side, workflow_id, compile_))
                rules = Rules(candidates[-1], plan.assumed, outcomes, phone_region=plan.phone_region)
                simulations.append(Simulation(rules, tally.note))
        self._replay = Replay(plan.window, simulations, self._really)
        self._workflow_id = workflow_id.encode()
        self._all_count = any(step.kind in _CHANGING_KINDS for one in candidates for step in one.steps.values())
        """Whether a candidate's changes may start other workflows, so that their re-entry rules matter."""
        self._caps = any(step.frequency_cap for one in candidates for step in one.steps.values())
        """Whether a candidate asks how many messages the contact got."""
        self._key: bytes | None = None
        self._burst: list[bytes] = []
        self._facts = self._events = 0
        self.is_over = False

    def take(self, records: Sequence[Record]) -> None:
        """Take the next records in; the last burst waits, as the next records may go on with it."""
        for record in records:
            if record.key != self._key:
                self._flush()
                self._key = record.key
            self._burst.append(record.value or b"")
        self._events += len(records)

    def result(self) -> Result:
        """What came of it."""
        self._flush()
        self._replay.finish()
        tallies = [side.finish() for side in self._sides]
        difference = self._difference() if self._plan.compares else None
        return Result(tallies=tallies, difference=difference, facts=self._facts, events=self._events)

    def _flush(self) -> None:
        burst, self._burst = self._burst, []
        if not burst or self.is_over:
            return
        contact_id = (self._key or b"").decode()
        if not contact_id:
            self._partition_events(burst)
        elif contact_id in self._replay.replayed:
            self._facts += sum(value.startswith(_FACT) for value in burst)
            self._replay_burst(contact_id, [decode_event(value) for value in burst])
        else:
            self._quiet(contact_id, burst)

    def _quiet(self, contact_id: str, burst: list[bytes]) -> None:
        """Decode only what may matter, until something does."""
        replay = self._replay
        for index, value in enumerate(burst):
            kind = value[_TYPE_AT : value.find(b'"', _TYPE_AT)]
            if kind not in _ALWAYS and not self._matters(contact_id, kind, value):
                continue
            event = decode_event(value)
            if event.at_ms >= self._plan.window.until_ms:
                self.is_over = True
                return
            if type(event) is j.ContactEventAccepted:
                self._facts += 1
            if not replay.quiet(event):
                rest = burst[index + 1 :]
                self._facts += sum(value.startswith(_FACT) for value in rest)
                self._replay_burst(contact_id, [event, *map(decode_event, rest)])
                return
            if type(event) is j.TriggerSkipped:
                self._skipped(event)

    def _matters(self, contact_id: str, kind: bytes, value: bytes) -> bool:
        """Whether an event that is neither a fact nor a change says anything about a contact that is not replayed."""
        if kind == b"enrolled":
            return self._all_count or self._workflow_id in value
        if kind in _ATTEMPTS:
            return self._caps
        if kind in _ENDS:
            return self._replay.stands(contact_id)
        if kind == b"trigger_skipped":
            return self._workflow_id in value or (self._all_count and b'"rate_guard"' in value)
        return kind == b"command_resulted" and b'"enroll_contact"' in value

    def _replay_burst(self, contact_id: str, events: list[j.JournalEvent]) -> None:
        if events[-1].at_ms >= self._plan.window.until_ms:
            self.is_over = True
            events = [event for event in events if event.at_ms < self._plan.window.until_ms]
            if not events:
                return
        self._replay.burst(contact_id, events)
        for event in events:
            if type(event) is j.TriggerSkipped:
                self._skipped(event)

    def _skipped(self, event: j.TriggerSkipped) -> None:
        if event.at_ms >= self._plan.window.since_ms:
            self._really(event)

    def _really(self, event: j.JournalEvent) -> None:
        for side in self._actual:
            side.note(event)

    def _partition_events(self, burst: list[bytes]) -> None:
        for value in burst:
            event = decode_event(value)
            if event.at_ms >= self._plan.window.until_ms:
                self.is_over = True
                return
            match event:
                case j.CatalogueAdvanced():
                    self._replay.catalogue_is(self._catalogues.below(event.offset), event.at_ms)
                case j.CatalogueReconciled():
                    self._replay.reconciled(event.at_ms)

    def _difference(self) -> Difference:
        old, new = self._sides
        difference = Difference()
        for contact_id in old.contact_ids | new.contact_ids:
            was, now = old.of_contact(contact_id), new.of_contact(contact_id)
            if was == now:
                difference.changes["same"] += 1
            else:
                difference.add(contact_id, read_paths(was), read_paths(now), samples=self._plan.samples)
        return difference


_FACT: Final = b'{"type":"contact_event_accepted"'


def _compiled(side: Candidate, workflow_id: str, compile_: Compile) -> Workflow:
    return compile_(side.document, workflow_id, side.version, side.templates, side.accept)
