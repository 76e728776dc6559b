"""Answering "why?": the evidence of one contact and one workflow, and the one sentence on top."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain import words
from domain.catalogue import Catalogue, Entry
from domain.errors import HeadraceError
from domain.why.considering import LIVE, considered
from domain.why.past import Past
from domain.why.stopping import standing, stopped
from domain.why.story import Considered, Enrollment, Note, Stopped, Why, WouldEnrol
from domain.why.telling import enrollments
from domain.workflow import Workflow

_STATUS: Final = {
    "unknown": "the workflow is not there yet",
    "draft": "the workflow is a draft, and a draft enrols nobody: publish a version first",
    "archived": "the workflow is archived, and enrols nobody any more",
    "paused": "the workflow is paused, and enrols nobody until it is resumed",
}


class NoSuchEnrollment(HeadraceError):
    """The contact has no such enrollment."""


def answer(
    past: Past,
    catalogue: Catalogue,
    *,
    contact_id: str,
    workflow_id: str,
    at_ms: int,
    enrollment_id: str | None = None,
    step_id: str | None = None,
) -> Why:
    """Why the contact was enrolled in the workflow or not; of one enrollment, why it went as it did; of a step, what stopped it.

    Args:
        past: the contact's whole journal up to the moment in question.
        catalogue: the definitions in force at that moment; those of the workflow are enough.
        contact_id: whose journal it is.
        workflow_id: the workflow in question.
        at_ms: that moment.
        enrollment_id: tell of this enrollment alone.
        step_id: tell why this step was done or not.

    Raises:
        NoSuchEnrollment: the contact was not enrolled so in this workflow.
    """
    entry = catalogue.entries.get(workflow_id)
    live = _published(catalogue, entry)
    told = enrollments(past, workflow_id=workflow_id)
    if enrollment_id is not None:
        told = [one for one in told if one.id == enrollment_id]
        if not told:
            message = f"contact {contact_id!r} has no enrollment {enrollment_id} in workflow {workflow_id}"
            raise NoSuchEnrollment(message)
    looked_at = considered(past, workflow_id, live)
    if enrollment_id is not None:
        looked_at = tuple(one for one in looked_at if one.enrollment_id == enrollment_id)
    made = Why(
        contact_id=contact_id,
        workflow_id=workflow_id,
        workflow_name=entry.name if entry else workflow_id,
        at_ms=at_ms,
        workflow_status=entry.status if entry else "unknown",
        live_version=live.version if live and entry and entry.status in LIVE else None,
        reentry=live.reentry if live else None,
        answer="",
        step_id=step_id,
        considered=looked_at,
        enrollments=tuple(told),
        would_enrol=tuple(_would_enrol(live)) if live else (),
        notes=tuple(_notes(past, workflow_id)),
    )
    return _with_answer(made, catalogue)


def _published(catalogue: Catalogue, entry: Entry | None) -> Workflow | None:
    return catalogue.workflow(entry.id, entry.published) if entry and entry.published is not None else None


def _would_enrol(workflow: Workflow) -> Iterator[WouldEnrol]:
    for trigger in workflow.triggers:
        yield WouldEnrol(trigger_type=trigger.type, trigger_config=trigger.config, words=words.trigger(trigger))


def _with_answer(made: Why, catalogue: Catalogue) -> Why:
    if made.step_id is None:
        return replace(made, answer=_whole(made))
    if not made.enrollments:
        told = f"Step {made.step_id} was not done: {_not_enrolled(made)}"
        stop = Stopped(reason="not_enrolled", words=told)
    else:
        stops = [
            stopped(one, catalogue.workflow(one.workflow_id, one.version), made.step_id) for one in made.enrollments
        ]
        stop = next((one for one in reversed(stops) if one.reason == "done"), stops[-1])
    return replace(made, stopped=stop, answer=f"{stop.words}.")


# ---------------------------------------------------------------- the one sentence


def _whole(made: Why) -> str:
    if not made.enrollments:
        return f"{_not_enrolled(made)}."
    last = made.enrollments[-1]
    many = f"{len(made.enrollments)} times, the last time " if len(made.enrollments) > 1 else ""
    told = (
        f"{made.contact_id} was enrolled in {made.workflow_name} {many}at {words.moment(last.enrolled_at_ms)} "
        f"(version {_first_version(made.considered, last)}), because {_because(last)}; {standing(last)}"
    )
    later = [one for one in made.considered if not one.enrolled and one.seq > last.cause_seq]
    if later:
        told += f". The {_event(later[-1])} did not enrol again: {later[-1].words}"
    return f"{told}."


def _first_version(looked_at: Sequence[Considered], enrollment: Enrollment) -> int | None:
    of_it = (one.version for one in looked_at if one.enrollment_id == enrollment.id)
    return next(of_it, enrollment.version)


def _because(enrollment: Enrollment) -> str:
    if enrollment.trigger_type == "manual":
        return "somebody enrolled the contact by hand"
    event = enrollment.event or {}
    told = f"{event.get('type', enrollment.trigger_type)} fired its trigger {enrollment.trigger_type}"
    met = words.deciding(enrollment.conditions, result=True) if enrollment.conditions else ""
    return f"{told} ({met})" if met else told


def _not_enrolled(made: Why) -> str:
    head = f"{made.contact_id} was not enrolled in {made.workflow_name}"
    if made.considered:
        last = made.considered[-1]
        events = len({one.seq for one in made.considered})
        if events == 1:
            return f"{head}: the {_event(last)} could have enrolled it, but {last.words}"
        return f"{head}: {events} events could have enrolled it, the last of them the {_event(last)}, but {last.words}"
    if made.workflow_status != "active":
        return f"{head}: {_STATUS[made.workflow_status]}"
    would = [one.words for one in made.would_enrol]
    if not would:
        return f"{head}: the workflow has no trigger, and nobody enrolled the contact by hand"
    return f"{head}: nothing that happened to the contact could have enrolled it. That happens when {' or when '.join(would)}"


def _event(one: Considered) -> str:
    by = f" by step {one.made_by_step}" if one.made_by_step else ""
    return f"{one.event_type}{by} at {words.moment(one.at_ms)}"


# ---------------------------------------------------------------- what else has a bearing


def _notes(past: Past, workflow_id: str) -> Iterator[Note]:
    for moment in past:
        told = _note(moment.event, workflow_id)
        if told is not None:
            event = moment.event
            yield Note(seq=event.seq, at_ms=event.at_ms, type=str(type(event).__struct_config__.tag), words=told)


def _note(event: Any, workflow_id: str) -> str | None:
    match event:
        case j.CommandResulted(command_type="contact_event", result="duplicate"):
            return "an event came a second time (same source and id) and was left aside: it enrols nobody twice"
        case j.CommandResulted(
            command_type="enroll_contact", result="rejected", workflow_id=None
        ):  # an older version's
            return f"an enrolment by hand was refused (the journal does not say in which workflow): {event.reason or event.code}"
        case j.ConsentChanged():
            again = "may be written to again" if event.allowed else "is not written to any more"
            return f"{event.personal.address} {again} on the channel {event.channel} ({event.reason})"
        case j.IncidentOpened(enrollment_id=None) if event.workflow_id == workflow_id:
            return f"an incident about this workflow was opened: {event.personal.message or event.code}"
        case j.IncidentOpened(code="engine_error", workflow_id=None):
            return f"the engine failed on an input, which had no effect: {event.personal.message}"
        case _:
            return None
