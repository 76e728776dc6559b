"""Deciding who is enrolled: triggers, re-entry, and the guards against loops."""

from typing import Any

from domain import command as c
from domain import journal as j
from domain.catalogue import Entry
from domain.decision import MAX_HOPS, RATE_LIMIT, Decision
from domain.enrollment import CLOSED
from domain.errors import StepError
from domain.evolve import RATE_WINDOW_MS
from domain.facts import News
from domain.ids import enrollment_id
from domain.triggers import Armed, fired_by
from domain.workflow import Workflow


def fire_triggers(decision: Decision, news: News) -> None:
    """Enrol the contact wherever a fact that was just recorded says so; conditions see the state after it."""
    enrolled: set[str] = set()
    for armed in fired_by(decision.context.catalogue.triggers, news.type, news.data):
        if armed.workflow.id not in enrolled and _holds(decision, armed, news.event):
            enrolled.add(armed.workflow.id)
            _enrol(decision, armed, news.seq, news.hops, news.event)


def _holds(decision: Decision, armed: Armed, envelope: dict[str, Any]) -> bool:
    """Whether the trigger's conditions are true; one that can't be asked enrols nobody and says so."""
    try:
        return armed.holds(decision.scope(event=envelope))
    except StepError as error:
        message = f"the conditions of a {armed.trigger.type} trigger of {armed.workflow.name!r} can't be asked: {error}"
        decision.incident(error.code, message, workflow_id=armed.workflow.id)
        return False


def _enrol(decision: Decision, armed: Armed, cause_seq: int, hops: int, envelope: dict[str, Any]) -> None:
    workflow = armed.workflow
    refusal = _refusal(decision, workflow, hops)
    if refusal:
        _skip(decision, armed, cause_seq, refusal)
        return
    trigger = armed.trigger
    matched = armed.explained(decision.scope(event=envelope))[1]
    _start(decision, workflow, trigger.type, armed.index, cause_seq, hops, j.TriggerData(envelope, matched))


def _refusal(decision: Decision, workflow: Workflow, hops: int) -> str | None:
    if _entry(decision, workflow.id).status == "paused":
        return "paused"
    if not _may_enter(decision, workflow):
        return "reentry"
    if hops > MAX_HOPS:
        return "hop_limit"
    history = decision.state.history.get(workflow.id)
    if history and decision.context.now_ms - history.window_start_ms < RATE_WINDOW_MS:
        return "rate_guard" if history.window_count >= RATE_LIMIT else None
    return None


def _may_enter(decision: Decision, workflow: Workflow) -> bool:
    """The re-entry rule: `once` is ever and in any version, `after_exit` when none is open."""
    if workflow.reentry == "always":
        return True
    if workflow.reentry == "once":
        history = decision.state.history.get(workflow.id)
        return history is None or history.count == 0
    open_ones = (e for e in decision.state.enrollments.values() if e.status not in CLOSED)
    return all(e.workflow_id != workflow.id for e in open_ones)


def _skip(decision: Decision, armed: Armed, cause_seq: int, reason: str) -> None:
    workflow = armed.workflow
    history = decision.state.history.get(workflow.id)
    decision.record(
        j.TriggerSkipped,
        workflow_id=workflow.id,
        version=workflow.version,
        trigger_type=armed.trigger.type,
        cause_seq=cause_seq,
        reason=reason,
    )
    if reason == "hop_limit":
        message = f"a chain of more than {MAX_HOPS} changes and triggers was stopped before {workflow.name!r}"
        decision.incident("hop_limit", message, workflow_id=workflow.id)
    elif reason == "rate_guard" and history and history.window_count == RATE_LIMIT:
        message = f"{RATE_LIMIT} enrollments in {workflow.name!r} within an hour; no more until the hour is over"
        decision.incident("rate_guard", message, workflow_id=workflow.id)


def _start(
    decision: Decision,
    workflow: Workflow,
    trigger_type: str,
    trigger_index: int,
    cause_seq: int,
    hops: int,
    personal: j.TriggerData,
) -> None:
    new_id = enrollment_id(workflow.id, decision.state.contact.id, cause_seq)
    decision.record(
        j.Enrolled,
        enrollment_id=new_id,
        workflow_id=workflow.id,
        version=workflow.version,
        trigger_type=trigger_type,
        trigger_index=trigger_index,
        cause_seq=cause_seq,
        first_step=workflow.first_step,
        hops=hops,
        personal=personal,
    )
    decision.runnable.append(new_id)


def enrol_by_hand(decision: Decision, command: c.EnrollContact) -> None:
    """Enrol on an operator's wish; the re-entry rule holds for it too."""
    entry = decision.context.catalogue.entries.get(command.workflow_id)
    refuse = _refusal_by_hand(decision, entry, command)
    if refuse or entry is None or entry.published is None:
        code, reason = refuse or ("not_found", f"there is no workflow {command.workflow_id}")
        _by_hand(decision, command, "rejected", code=code, reason=reason)
        return
    workflow = decision.context.catalogue.workflow(entry.id, entry.published)
    cause_seq = decision.state.seq + 1
    new_id = enrollment_id(workflow.id, command.contact_id, cause_seq)
    _by_hand(decision, command, "accepted", enrollment_id=new_id)
    _start(decision, workflow, "manual", -1, cause_seq, 0, j.TriggerData())


def _by_hand(decision: Decision, command: c.EnrollContact, result: str, **fields: str) -> None:
    decision.result(command.command_id, "enroll_contact", result, workflow_id=command.workflow_id, **fields)


def _refusal_by_hand(decision: Decision, entry: Entry | None, command: c.EnrollContact) -> tuple[str, str] | None:
    if entry is None:
        return ("not_found", f"there is no workflow {command.workflow_id}")
    if entry.published is None:
        return ("not_published", "the workflow has no published version; publish one first")
    if entry.status != "active":
        return ("conflict", f"the workflow is {entry.status} and enrols nobody")
    workflow = decision.context.catalogue.workflow(entry.id, entry.published)
    if not _may_enter(decision, workflow):
        words = {
            "once": "the contact was enrolled before, and the workflow's re-entry rule is `once`",
            "after_exit": "the contact has an open enrollment, and the workflow's re-entry rule is `after_exit`",
        }
        return ("reentry", words[workflow.reentry])
    return None


def _entry(decision: Decision, workflow_id: str) -> Entry:
    return decision.context.catalogue.entries[workflow_id]
