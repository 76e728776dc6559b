"""Which events could have enrolled a contact in a workflow, and why each of them did or did not."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from domain import journal as j
from domain import words
from domain.catalogue import Catalogue
from domain.errors import StepError
from domain.facts import Fact, envelope_of, is_news, type_of, with_old_value
from domain.fields import Scope
from domain.triggers import Armed, TriggerIndex, about, index_triggers
from domain.why.past import Moment, Past
from domain.why.story import Considered, Operands
from domain.workflow import Trigger, Workflow

Result = j.Enrolled | j.TriggerSkipped

LIVE: Final = ("active", "paused")
"""Statuses of a workflow whose triggers are asked (a paused one's, for the record)."""

_REFUSED: Final = {
    "paused": "the workflow was paused",
    "hop_limit": "the chain of changes and triggers behind it was too long (a guard against loops)",
    "rate_guard": "the contact had been enrolled too often within the hour (a guard against loops)",
}
_NOT_LIVE: Final = {
    "unknown": "the workflow was not there yet",
    "draft": "the workflow was a draft: no version was published yet",
    "archived": "the workflow was archived",
}


class _Standing(msgspec.Struct, frozen=True):
    """The workflow as it stood at one moment."""

    status: str
    live: Workflow | None
    """The version whose triggers were asked."""
    shown: Workflow
    """The live one; where there was none, the one with which the event is compared all the same."""


def considered(past: Past, workflow_id: str, reference: Workflow | None) -> tuple[Considered, ...]:
    """Every event that a trigger of the workflow is about, in order, and what came of it.

    Args:
        past: the contact's.
        workflow_id: the workflow in question.
        reference: the version whose triggers an event is compared with when none was live (the one that is live at the end
            of the past); None: such events are left out.
    """
    results = _results(past, workflow_id)
    indexes: dict[int, TriggerIndex] = {}
    found: list[Considered] = []
    for moment in past:
        event = moment.event
        if isinstance(event, j.ContactEventAccepted | j.ContactChanged):
            standing = _standing(moment.catalogue, workflow_id, reference)
            if standing is not None:
                version = standing.shown.version
                if version not in indexes:
                    indexes[version] = index_triggers([standing.shown])
                found += _Asking(moment, event, standing, indexes[version], results.get(event.seq)).told()
        elif isinstance(event, j.Enrolled) and event.workflow_id == workflow_id and event.trigger_type == "manual":
            found.append(_by_hand(moment, event))
        elif isinstance(event, j.CommandResulted) and event.workflow_id == workflow_id and event.result == "rejected":
            standing = _standing(moment.catalogue, workflow_id, reference)
            found += [] if standing is None else [_refused_by_hand(event, standing)]
    return tuple(found)


def _results(past: Past, workflow_id: str) -> dict[int, Result]:
    """What is recorded of the workflow, by the event that was the cause."""
    events = (moment.event for moment in past)
    return {
        event.cause_seq: event
        for event in events
        if isinstance(event, j.Enrolled | j.TriggerSkipped) and event.workflow_id == workflow_id
    }


def _standing(catalogue: Catalogue, workflow_id: str, reference: Workflow | None) -> _Standing | None:
    entry = catalogue.entries.get(workflow_id)
    status = entry.status if entry else "unknown"
    published = catalogue.workflow(workflow_id, entry.published) if entry and entry.published is not None else None
    compared = published or reference
    return None if compared is None else _Standing(status, published if status in LIVE else None, compared)


def _by_hand(moment: Moment, event: j.Enrolled) -> Considered:
    workflow = moment.catalogue.workflow(event.workflow_id, event.version)
    return Considered(
        seq=event.cause_seq,
        at_ms=event.at_ms,
        event_type="enroll_contact",
        workflow_status=moment.catalogue.entries[event.workflow_id].status,
        version=event.version,
        trigger_type="manual",
        trigger_index=event.trigger_index,
        reentry=workflow.reentry,
        enrolled=True,
        reason="enrolled",
        recomputed=False,
        enrollment_id=event.enrollment_id,
        words=f"enrolled by hand in version {event.version}",
    )


def _refused_by_hand(event: j.CommandResulted, standing: _Standing) -> Considered:
    return Considered(
        seq=event.seq,
        at_ms=event.at_ms,
        event_type="enroll_contact",
        workflow_status=standing.status,
        version=standing.live.version if standing.live else None,
        trigger_type="manual",
        trigger_index=-1,
        reentry=standing.shown.reentry,
        enrolled=False,
        reason=event.code or "rejected",
        recomputed=False,
        words=event.reason or "it was refused",
    )


class _Asking:
    """Asks the triggers about one fact as the engine did, and puts the recorded result in its place."""

    def __init__(
        self, moment: Moment, fact: Fact, standing: _Standing, index: TriggerIndex, result: Result | None
    ) -> None:
        self.fact, self.standing, self.index, self.result = fact, standing, index, result
        self.before, self.after = moment.before.contact, moment.after
        self.data = with_old_value(self.before, type_of(fact), fact.personal.data)
        self.scope = Scope(
            contact=self.after.contact,
            now_ms=fact.at_ms,
            event=envelope_of(fact),
            last_sms_reply=self.after.last_sms_reply,
        )

    def told(self) -> Iterator[Considered]:
        asked = about(self.index, type_of(self.fact), self.data)
        if self.result is not None:
            yield from self._recorded(asked, self.result)
        elif asked:
            kept = self._kept_away()
            if kept is not None:
                yield self._one(asked[0], reason=kept[0], told=kept[1])
            else:
                yield from self._recomputed(asked)

    def _kept_away(self) -> tuple[str, str] | None:
        """Why no trigger was asked at all."""
        fact, status = self.fact, self.standing.status
        if isinstance(fact, j.ContactEventAccepted) and not fact.applied:
            return "echo", "it was the echo of a change that Headrace itself had made, which is never applied"
        if isinstance(fact, j.ContactEventAccepted) and not fact.fires:
            return (
                "before_start",
                "it was older than the very first start of Headrace, and such input fires no triggers",
            )
        if self.standing.live is None:
            return status, _NOT_LIVE[status]
        if not is_news(self.before, type_of(fact), fact.personal.data):
            return "no_change", _no_change(type_of(fact), fact.personal.data)
        return None

    def _recorded(self, asked: Sequence[Armed], result: Result) -> Iterator[Considered]:
        """The triggers that were asked before the one of the result, and the result as it stands in the journal."""
        for armed in asked:
            if isinstance(result, j.Enrolled):
                if armed.index == result.trigger_index:
                    break
            elif armed.trigger.type == result.trigger_type and self._holds(armed):
                yield self._skipped(armed, result, self._operands(armed))
                return
            missed = self._missed(armed)
            if missed is not None:
                yield missed
        if isinstance(result, j.Enrolled):
            yield self._enrolled(result)
        else:
            yield self._skipped(None, result, [])

    def _recomputed(self, asked: Sequence[Armed]) -> Iterator[Considered]:
        for armed in asked:
            missed = self._missed(armed)
            if missed is None:
                told = "nothing is recorded, although all that this version asks for holds: the engine of then saw it otherwise"
                yield self._one(armed, reason="unexplained", told=told, conditions=self._operands(armed))
                return
            yield missed

    def _missed(self, armed: Armed) -> Considered | None:
        """Why this trigger did not enrol; None when it holds."""
        if not armed.accepts(self.data):
            told = f"the trigger asks for {words.config(armed.trigger.config)}"
            return self._one(armed, reason="filter", told=told)
        try:
            holds, operands = armed.explained(self.scope)
        except StepError as error:
            return self._one(armed, reason="condition_error", told=f"the conditions could not be asked: {error}")
        if holds:
            return None
        told = f"the conditions were not met: {words.deciding(operands, result=False)}"
        return self._one(armed, reason="conditions", told=told, conditions=operands)

    def _holds(self, armed: Armed) -> bool:
        try:
            return armed.accepts(self.data) and armed.holds(self.scope)
        except StepError:
            return False

    def _operands(self, armed: Armed) -> Operands:
        return armed.explained(self.scope)[1]

    def _enrolled(self, event: j.Enrolled) -> Considered:
        trigger = self.standing.shown.triggers[event.trigger_index]
        return self._result(
            event,
            trigger,
            event.trigger_index,
            enrolled=True,
            reason="enrolled",
            recomputed=False,
            conditions=event.personal.matched,
            enrollment_id=event.enrollment_id,
            words=f"enrolled in version {event.version}",
        )

    def _skipped(self, armed: Armed | None, event: j.TriggerSkipped, operands: Operands) -> Considered:
        index = armed.index if armed else -1
        told = words.REENTRY[self.standing.shown.reentry] if event.reason == "reentry" else _REFUSED.get(event.reason)
        return self._result(
            event,
            armed.trigger if armed else Trigger(event.trigger_type),
            index,
            enrolled=False,
            reason=event.reason,
            recomputed=False,
            conditions=operands,
            conditions_recomputed=bool(operands),
            words=told or event.reason,
        )

    def _one(self, armed: Armed, *, reason: str, told: str, conditions: Operands | None = None) -> Considered:
        live = self.standing.live
        return self._result(
            None if live is None else live,
            armed.trigger,
            armed.index,
            enrolled=False,
            reason=reason,
            recomputed=True,
            conditions=conditions or [],
            words=told,
        )

    def _result(self, versioned: Result | Workflow | None, trigger: Trigger, index: int, **fields: Any) -> Considered:
        fact = self.fact
        return Considered(
            seq=fact.seq,
            at_ms=fact.at_ms,
            event_type=type_of(fact),
            made_by_step=fact.step_id if isinstance(fact, j.ContactChanged) else None,
            workflow_status=self.standing.status,
            version=None if versioned is None else versioned.version,
            trigger_type=trigger.type,
            trigger_index=index,
            trigger_config=trigger.config,
            reentry=self.standing.shown.reentry,
            **fields,
        )


def _no_change(fact: str, data: dict[str, Any]) -> str:
    match fact:
        case "contact.created":
            return "the contact had been created before, and a repeated contact.created fires nothing"
        case "contact.tag_added":
            return f"the contact had the tag {words.shown(data.get('tag'))} already"
        case "contact.tag_removed":
            return f"the contact had no tag {words.shown(data.get('tag'))}"
        case _:
            return f"the field {words.shown(data.get('field'))} had that value already"
