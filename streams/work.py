"""One transaction in the making: decides on an overlay of the store, and collects all that will be written."""

from collections.abc import Sequence
from typing import Any, Final

import structlog
from msgspec.structs import replace

from domain import journal as j
from domain.catalogue import Catalogue
from domain.command import AnyCommand, RekeyedContactEvent
from domain.contact_event import ContactEvent
from domain.decision import Decision
from domain.engine import Input, Reconcile, StartAttempt, TimerDue, decide, decide_failure
from domain.errors import HeadraceError
from domain.evolve import evolve_partition
from domain.ids import channel_incident_id
from domain.partition import home_partition
from domain.state import ContactState, PartitionState
from schemas.command import decode_command, encode_command
from schemas.contact_event import UnreadableContactEvent, read_contact_event
from schemas.dead_letter import dead_letter
from schemas.event_log import NewRecord, Record
from schemas.journal import POSITIONS_HEADER, encode_event, encode_positions
from schemas.topics import COMMANDS, JOURNAL
from streams.contact_change import change_record
from streams.partition_settings import PartitionSettings
from streams.store import Store

_ACTED_ON: Final = frozenset(
    {
        j.ActionRequested,
        j.AttemptStarted,
        j.ContactChanged,
        j.OutcomeAsked,
        j.RetryDue,
        j.EnrollmentRetried,
        j.EnrollmentRepaired,
        j.EnrollmentResumed,
    }
)
"""Journal events that cause something beside a contact's new state."""
_log = structlog.get_logger(__name__)


class Work:
    """What one cycle of a partition's owner decides. Nothing of it counts before it is committed."""

    def __init__(
        self, partition: int, store: Store, catalogue: Catalogue, now_ms: int, settings: PartitionSettings
    ) -> None:
        self.partition, self.catalogue, self.now_ms = partition, catalogue, now_ms
        self._store, self._settings = store, settings
        self.states: dict[str, ContactState] = {}
        """The contacts that changed."""
        self._read: dict[str, ContactState] = {}
        """Contacts as the store has them: one is looked at several times before it changes."""
        self.partition_state: PartitionState = store.reflected.partition
        self.positions: dict[str, int] = dict(store.reflected.positions)
        self.started: list[j.AttemptStarted] = []
        self.asked: list[j.OutcomeAsked] = []
        """Questions to providers about attempts whose outcome is unknown."""
        self.requested: list[tuple[str, str]] = []
        """(contact id, enrollment id) of the actions that this work asked for."""
        self.fired: list[int] = []
        """When each of the timers that fired was due."""
        self.buried: list[str] = []
        """Why each record that went to the dead letters did."""
        self.duplicates = 0
        """Contact events that were taken in before. They are not journaled: a topic that is replayed would double it."""
        self._journal: list[j.JournalEvent] = []
        self._others: list[NewRecord] = []

    @property
    def size(self) -> int:
        """How many journal events there are so far."""
        return len(self._journal)

    @property
    def events(self) -> Sequence[j.JournalEvent]:
        """The journal events so far."""
        return self._journal

    @property
    def journal_length(self) -> int:
        """How many of `records()` are journal records; they come first."""
        return len(self._journal)

    @property
    def last_event(self) -> str | None:
        """The id of the last journal event."""
        return self._journal[-1].id if self._journal else None

    @property
    def moved(self) -> bool:
        """Whether input was consumed."""
        return self.positions != self._store.reflected.positions

    def state(self, contact_id: str) -> ContactState:
        """The contact's state with all that this work decided so far."""
        state = self.states.get(contact_id) or self._read.get(contact_id)
        if state is None:
            state = self._read[contact_id] = self._store.get(contact_id)
        return state

    # ------------------------------------------------------------ inputs

    def take_record(self, record: Record) -> None:
        """Take in one record of an input topic; what can't be read goes to the dead letters."""
        size = len(record.value or b"")
        if size > self._settings.max_input_bytes:
            limit = self._settings.max_input_bytes
            self._bury(record, "oversize", f"the value has {size} bytes; at most {limit} are taken")
            return
        if record.topic == COMMANDS:
            self._take_command(record)
        else:
            self._take_contact_event(record)

    def _take_contact_event(self, record: Record) -> None:
        try:
            event = read_contact_event(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=record.key,
                value=record.value,
                headers=record.headers,
                max_bytes=self._settings.max_input_bytes,
            )
        except UnreadableContactEvent as error:
            self._bury(record, error.reason, str(error))
            return
        if record.timestamp_ms < self.partition_state.fires_from_ms:
            event = replace(event, fires=False)
        if (home := self._elsewhere(event.contact_id)) is not None:
            self._rekey(record, event, home)
        else:
            self.decide(event)

    def _take_command(self, record: Record) -> None:
        try:
            command = decode_command(record.value or b"")
        except HeadraceError as error:
            self._bury(record, "unreadable_command", str(error))
            return
        if (home := self._elsewhere(command.contact_id)) is not None:
            self._send_home(record, command, home)
        else:
            self.decide(command.event if isinstance(command, RekeyedContactEvent) else command)

    def _elsewhere(self, contact_id: str) -> int | None:
        """The contact's home partition if it is another one than this."""
        if self._settings.partitions is None:
            return None
        home = home_partition(contact_id, self._settings.partitions)
        return None if home == self.partition else home

    def _rekey(self, record: Record, event: ContactEvent, home: int) -> None:
        found_in = f"{record.topic}/{record.partition}/{record.offset}"
        self._send_home(
            record, RekeyedContactEvent(command_id=found_in, contact_id=event.contact_id, event=event), home
        )

    def _send_home(self, record: Record, command: AnyCommand, home: int) -> None:
        """Let the contact's own partition decide it: nothing is decided in two places."""
        _log.debug("input.rekeyed", topic=record.topic, partition=record.partition, offset=record.offset, home=home)
        key, value = command.contact_id.encode(), encode_command(command)
        self._others.append(NewRecord(topic=COMMANDS, partition=home, key=key, value=value))

    def _bury(self, record: Record, reason: str, message: str) -> None:
        _log.warning("input.dead_lettered", topic=record.topic, offset=record.offset, reason=reason)
        self.buried.append(reason)
        self._others.append(dead_letter(record, reason, message))

    # ------------------------------------------------------------ deciding

    def decide(self, given: Input) -> None:
        """Decide one input about a contact; a failure of the engine becomes an incident that keeps the input."""
        state = self.state(given.contact_id)
        context = self._settings.context(self.now_ms, self.catalogue)
        try:
            decision = decide(state, given, context)
        except Exception as error:  # noqa: BLE001 whatever it is, the stream goes on and a person is asked
            _log.exception("engine.failed", input=type(given).__name__, partition=self.partition)
            decision = decide_failure(state, given, error, context)
        self.duplicates += isinstance(given, ContactEvent) and not decision.events
        self._keep(decision)

    def fire_timer(self, contact_id: str, enrollment_id: str) -> None:
        """A timer is due."""
        enrollment = self.state(contact_id).enrollments.get(enrollment_id)
        if enrollment is not None and enrollment.timer is not None:
            self.fired.append(enrollment.timer.due_at_ms)
        self.decide(TimerDue(contact_id=contact_id, enrollment_id=enrollment_id))

    def reconcile(self, contact_id: str) -> None:
        """The catalogue changed."""
        self.decide(Reconcile(contact_id=contact_id))

    def start_attempt(self, contact_id: str, enrollment_id: str) -> None:
        """There is a slot for the enrollment's action."""
        action = self.state(contact_id).enrollments[enrollment_id].action
        timeout_ms: int = action.request.get("timeout_ms", 0) if action else 0
        self.decide(
            StartAttempt(
                contact_id=contact_id,
                enrollment_id=enrollment_id,
                start_by_ms=self.now_ms + self._settings.start_within_ms,
                deadline_ms=self.now_ms + self._settings.outcome_within_ms(timeout_ms),
            )
        )

    def _keep(self, decision: Decision) -> None:
        if not decision.events:
            return
        contact_id = decision.state.contact.id
        self.states[contact_id] = decision.state
        self._journal += decision.events
        for event in decision.events:
            if type(event) in _ACTED_ON:  # few are
                self._act_on(event)

    def _act_on(self, event: j.JournalEvent) -> None:
        match event:
            case j.AttemptStarted():
                self.started.append(event)
            case j.OutcomeAsked():
                self.asked.append(event)
            case j.ContactChanged():
                self._others.append(change_record(event, self._settings.topics.contact_changes, self.partition))
            case (
                j.ActionRequested()
                | j.RetryDue()
                | j.EnrollmentRetried()
                | j.EnrollmentRepaired()
                | j.EnrollmentResumed()
            ):
                self.requested.append((event.contact_id, event.enrollment_id))

    # ------------------------------------------------------------ the partition's own events

    def open_partition(self, fires_from_ms: int) -> None:
        """The very first event of the partition's journal."""
        self._record(j.PartitionOpened, fires_from_ms=fires_from_ms)

    def advance_catalogue(self, offset: int, *, reconciled: bool) -> None:
        """Definitions below `offset` are in force from here on."""
        self._record(j.CatalogueAdvanced, offset=offset)
        if reconciled:
            self._record(j.CatalogueReconciled, offset=offset)

    def catalogue_reconciled(self) -> None:
        """Every open enrollment has heard of the definitions in force."""
        self._record(j.CatalogueReconciled, offset=self.partition_state.catalogue_offset)

    def channel_paused(self, channel: str, code: str) -> None:
        """The channel's provider is down, as calls tell that came to this code."""
        id_ = channel_incident_id(self.partition, self.partition_state.seq + 1)
        self._record(j.ChannelPaused, channel=channel, incident_id=id_, code=code)

    def channel_resumed(self, channel: str) -> None:
        """It answers again."""
        self._record(j.ChannelResumed, channel=channel, incident_id=self.partition_state.paused[channel])

    def _record(self, kind: type[Any], **fields: Any) -> None:
        seq = self.partition_state.seq + 1
        event = kind(seq=seq, at_ms=self.now_ms, contact_id=j.PARTITION_KEY, **fields)
        self.partition_state = evolve_partition(self.partition_state, event)
        self._journal.append(event)

    # ------------------------------------------------------------ what is written

    def records(self) -> list[NewRecord]:
        """All records of the transaction, the journal's first; its last one says how far the inputs were read."""
        if self._others and not self._journal:
            self._record(j.InputsAdvanced)
        if self._journal:  # its time, not ours: in virtual time ours may have gone on without an event
            last_ms = max(self.partition_state.last_time_ms, self._journal[-1].at_ms)
            self.partition_state = replace(self.partition_state, last_time_ms=last_ms)
        last = len(self._journal) - 1
        positions = ((POSITIONS_HEADER, encode_positions(self.positions)),)
        journal = [
            NewRecord(
                topic=JOURNAL,
                partition=self.partition,
                key=event.contact_id.encode(),
                value=encode_event(event),
                headers=positions if index == last else (),
            )
            for index, event in enumerate(self._journal)
        ]
        return journal + self._others
