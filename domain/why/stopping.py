"""Why an enrollment did not do a step (or did): another branch, a wait, a failure, a pause, an end, or not yet."""

from collections.abc import Iterator, Mapping

from domain import words
from domain.enrollment import CLOSED
from domain.why import waits
from domain.why.story import Enrollment, StepVisit, Stopped
from domain.why.visits import held, is_held, sent, took
from domain.workflow import Step, Workflow


def stopped(enrollment: Enrollment, workflow: Workflow, step_id: str) -> Stopped:
    """What became of a step in an enrollment; `workflow` is the version that it runs."""
    visits = [visit for visit in enrollment.steps if visit.step_id == step_id]
    if visits:
        reason, told = _visited(enrollment, visits[-1])
        return Stopped(reason=reason, enrollment_id=enrollment.id, at_step=step_id, words=told)
    if step_id not in workflow.steps:
        told = f"Version {workflow.version} has no step {step_id!r}; it has {words.and_list(list(workflow.steps))}"
        return Stopped(reason="no_such_step", enrollment_id=enrollment.id, words=told)
    parting = _parting(enrollment, workflow, step_id)
    if parting is not None:
        told = f"Step {step_id} was not reached: {took(parting)}, and {step_id} does not lie on that way"
        return Stopped(reason="other_branch", enrollment_id=enrollment.id, at_step=parting.step_id, words=told)
    reason, told = _on_the_way(enrollment)
    words_ = (
        f"Step {step_id} was not reached: {told}"
        if enrollment.status in CLOSED
        else f"Step {step_id} is not reached yet: {told}"
    )
    return Stopped(reason=reason, enrollment_id=enrollment.id, at_step=enrollment.current_step, words=words_)


def standing(enrollment: Enrollment) -> str:
    """How an enrollment stands, in a clause."""
    return _on_the_way(enrollment)[1]


def _visited(enrollment: Enrollment, visit: StepVisit) -> tuple[str, str]:  # noqa: PLR0911 one return a status
    """The last visit of the step in question."""
    what = sent(visit, visit.send) if visit.send else f"Step {visit.step_id}"
    match visit.status:
        case "completed":
            done = f"was done at {words.moment(visit.done_at_ms or visit.entered_at_ms)}"
            by_hand = f" ({visit.message})" if visit.message else ""
            return "done", f"{what}{by_hand}" if visit.send else f"{what} {done}{by_hand}"
        case "skipped" if enrollment.status in CLOSED and visit.code is None:
            return enrollment.status, f"Step {visit.step_id} was entered and dropped: {standing(enrollment)}"
        case "skipped":
            tried = f"; {what[0].lower()}{what[1:]}" if visit.send else ""
            return "skipped", f"Step {visit.step_id} was skipped: {visit.message}{tried}"
        case "failed":
            unknown = visit.send is not None and visit.send.outcome == "unknown"
            return ("unknown" if unknown else "failed"), what if visit.send else f"{what} failed: {visit.message}"
        case _ if enrollment.status == "paused":
            return "paused", f"Step {visit.step_id} was entered, and stands still: {standing(enrollment)}"
        case _ if is_held(visit):
            told = held(visit)
            return "held", f"{told[0].upper()}{told[1:]}"
        case _ if visit.waits_for:
            return "waiting", _waits(visit)
        case _ if visit.send is None:
            return "waiting", f"Step {visit.step_id} waits until {words.moment(visit.due_at_ms or 0)}"
        case _:
            return "under_way", what


def _on_the_way(enrollment: Enrollment) -> tuple[str, str]:  # noqa: PLR0911 one return a status
    """Where the enrollment stands or ended, when the step in question still lies ahead of it."""
    status, at = enrollment.status, f" at step {enrollment.current_step}" if enrollment.current_step else ""
    last = enrollment.steps[-1] if enrollment.steps else None
    turn = enrollment.turns[-1].words if enrollment.turns else ""
    ended = words.moment(enrollment.ended_at_ms or 0)
    match status:
        case "completed":
            return "not_reached", f"the enrollment was completed at {ended}"
        case "exited":
            return "exited", f"the enrollment left the workflow at {ended} ({enrollment.end_reason})"
        case "cancelled":
            return "cancelled", f"the enrollment was cancelled at {ended} (by {enrollment.end_reason})"
        case "paused":
            return "paused", f"the enrollment stands still{at}: {turn}"
        case "failed":
            return "incident", f"the enrollment stopped{at}: {turn}"
        case _ if last is not None and is_held(last):
            return "held", held(last)
        case _ if last is not None and last.status == "running" and last.waits_for:
            return "waiting", f"the enrollment stands{at}: {waits.told(last)}"
        case _ if last is not None and last.status == "running" and last.due_at_ms is not None:
            return "waiting", f"the enrollment waits{at} until {words.moment(last.due_at_ms)}"
        case _ if last is not None and last.send is not None and last.status in ("pending", "running"):
            told = sent(last, last.send)
            return "under_way", f"the enrollment stands{at}: {told[0].lower()}{told[1:]}"
        case _:
            return "under_way", f"the enrollment is on its way{at}"


def _waits(visit: StepVisit) -> str:
    told = waits.told(visit)
    return f"{told[0].upper()}{told[1:]}"


def _parting(enrollment: Enrollment, workflow: Workflow, step_id: str) -> StepVisit | None:
    """The last visit that could still have led to the step, and led to where no way goes there."""
    for visit in reversed(enrollment.steps):
        if visit.done_at_ms is None or visit.status not in ("completed", "skipped", "failed"):
            continue
        if enrollment.current_step == visit.step_id and visit.next_step is None:  # it stands there still
            continue
        if visit.next_step is not None and step_id in _reachable(workflow.steps, visit.next_step):
            return None
        if step_id in _reachable(workflow.steps, visit.step_id):
            return None if _dropped(enrollment, visit) else visit
    return None


def _dropped(enrollment: Enrollment, visit: StepVisit) -> bool:
    """Whether the visit led nowhere because the enrollment ended under it."""
    return enrollment.status in ("cancelled", "exited") and visit.next_step is None and visit.branch is None


def _reachable(steps: Mapping[str, Step], start: str) -> set[str]:
    """The steps that may follow from one, itself included."""
    found: set[str] = set()
    todo = [start]
    while todo:
        step = steps.get(todo.pop())
        if step is not None and step.id not in found:
            found.add(step.id)
            todo += _ways(step)
    return found


def _ways(step: Step) -> Iterator[str]:
    yield from (target for target in (step.next, *step.branches.values(), step.on_failure) if target is not None)
