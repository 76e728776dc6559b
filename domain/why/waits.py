"""Waits for an event: what came while one was open and did not end it, and why; and how a wait ended, in words."""

from collections.abc import Sequence
from typing import Any

from domain import journal as j
from domain import words
from domain.enrollment import Enrollment
from domain.errors import StepError
from domain.facts import Fact, envelope_of, is_news, type_of, with_old_value
from domain.fields import Scope
from domain.lateness import HOLDER
from domain.steps.wait_for_event import DELIVERY, WaitForEvent, is_received
from domain.triggers import Heard, about
from domain.why.past import Moment
from domain.why.story import Missed, StepVisit


def missed(moment: Moment, fact: Fact, enrollment_id: str) -> Missed | None:
    """The fact, if the enrollment waited for something like it and it did not end that wait."""
    enrollment = moment.before.enrollments.get(enrollment_id)
    if enrollment is None or not enrollment.awaits_event or enrollment.step_id is None:
        return None
    workflow = moment.catalogue.workflow(enrollment.workflow_id, enrollment.version)
    config: WaitForEvent = workflow.steps[enrollment.step_id].config
    data = with_old_value(moment.before.contact, type_of(fact), fact.personal.data)
    asked = about(config.index, type_of(fact), data)
    told = _why_not(moment, fact, enrollment, asked, data) if asked else None
    return None if told is None else Missed(seq=fact.seq, at_ms=fact.at_ms, event_type=type_of(fact), words=told)


def _why_not(
    moment: Moment, fact: Fact, enrollment: Enrollment, asked: Sequence[Heard], data: dict[str, Any]
) -> str | None:
    if isinstance(fact, j.ContactEventAccepted) and not (fact.applied and fact.fires):
        return "it was an echo of our own change, or older than the very first start, and such events end no wait"
    if enrollment.paused_by == HOLDER:
        return "the time-out was over by then"
    if not is_news(moment.before.contact, type_of(fact), fact.personal.data):
        return "it changed nothing"
    scope = Scope(
        contact=moment.after.contact,
        now_ms=fact.at_ms,
        enrollment=moment.after.enrollments[enrollment.id],
        event=envelope_of(fact),
        last_sms_reply=moment.after.last_sms_reply,
    )
    reasons = [_miss(one, scope, data) for one in asked]
    return None if None in reasons else "; ".join(filter(None, reasons))


def _miss(one: Heard, scope: Scope, data: dict[str, Any]) -> str | None:
    """Why it is not this awaited event; None when it is."""
    if not one.accepts(data):
        return f"the wait asks for {words.config(one.trigger.config)}"
    try:
        holds, operands = one.explained(scope)
    except StepError as error:
        return f"the wait's conditions could not be asked: {error}"
    return None if holds else f"the wait's conditions were not met: {words.deciding(operands, result=False)}"


def told(visit: StepVisit) -> str:
    """How the wait of a visit stands, or how it ended."""
    wait = f"step {visit.step_id} {'waits' if visit.status == 'running' else 'waited'} until {awaited(visit)}"
    to = f"led to {visit.next_step}" if visit.next_step else "led to the end"
    match visit.status:
        case "running" if visit.due_at_ms is not None:
            return f"{wait}, {words.moment(visit.due_at_ms)} at the latest"
        case "completed" if visit.received is not None:
            return f"{wait}: {_came(visit.received)}, which {to}"
        case "completed" if visit.message is not None:
            return f"{wait}: {visit.message}"
        case "completed":
            return f"{wait}: it did not come in time, which {to}"
        case "skipped" | "failed":
            why = visit.message or "the enrollment ended"
            return f"{wait}, and {'was skipped' if visit.status == 'skipped' else 'failed'}: {why}"
        case _:
            return wait


def awaited(visit: StepVisit) -> str:
    """What is waited for."""
    return " or ".join(visit.waits_for) or "an event comes in"


def _came(event: dict[str, Any]) -> str:
    if event.get("type") == DELIVERY:
        return f"it was reported {event['data']['status']}"
    return f"{event.get('type')} came"


def waiting(event: j.EventAwaited | j.StepCompleted) -> dict[str, Any]:
    """What is waited for, in words; of a wait that was over as soon as it began, too."""
    waits_for = event.personal.input.get("waits_for")
    return {"waits_for": tuple(waits_for)} if isinstance(waits_for, list | tuple) else {}


def received(event: j.StepCompleted) -> dict[str, Any] | None:
    """The event that ended a wait, if one did."""
    if not is_received(event):
        return None
    return {name: value for name, value in event.personal.output.items() if name not in ("timed_out", "number")}
