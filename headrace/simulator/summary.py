"""What happened in a simulated history, in numbers, counted from its journal events."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from domain import journal as j
from domain.workflow import Workflow

_StepEvent = (
    j.TimerSet | j.EventAwaited | j.SendHeld | j.ActionRequested | j.StepCompleted | j.StepSkipped | j.StepFailed
)
_ENDS: Final[dict[type[j.JournalEvent], str]] = {j.EnrollmentCompleted: "completed", j.EnrollmentExited: "exited"}
_DONE: Final[dict[type[j.JournalEvent], str]] = {
    j.StepCompleted: "completed",
    j.StepSkipped: "skipped",
    j.StepFailed: "failed",
}


class StepSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The visits of one step: `waiting` ones were entered and are not done."""

    step_id: str
    step_type: str
    completed: int
    skipped: int
    failed: int
    waiting: int
    branches: dict[str, int]


class WorkflowSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow: its enrollments by how they ended (`open`: they have not), its steps, its messages by channel."""

    id: str
    name: str
    enrolled: int
    ends: dict[str, int]
    steps: list[StepSummary]
    messages: dict[str, int]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole history."""

    contacts: int
    facts: int
    journal_events: int
    incidents: int
    workflows: list[WorkflowSummary]


class Tally:
    """Counts journal events as they come."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, ...]] = Counter()
        self._workflow_of: dict[str, str] = {}
        """Of each open enrollment."""
        self._channels: dict[str, str] = {}
        """Of each action that is not settled yet."""
        self._waiting: dict[tuple[str, str], str] = {}
        """(enrollment, step) -> workflow of each visit that is entered and not done."""

    def take(self, events: Sequence[j.JournalEvent]) -> None:
        """Count these events."""
        self._counts["journal",] += len(events)
        for event in events:
            match event:
                case j.ContactEventAccepted():
                    self._counts["facts",] += 1
                case j.Enrolled():
                    self._workflow_of[event.enrollment_id] = event.workflow_id
                    self._counts["enrolled", event.workflow_id] += 1
                case j.IncidentOpened():
                    self._counts["incidents",] += 1
                    if event.enrollment_id is not None:
                        self._end(event.enrollment_id, "failed")
                case j.EnrollmentCompleted() | j.EnrollmentExited():
                    self._end(event.enrollment_id, _ENDS[type(event)])
                case j.AttemptSucceeded():
                    channel = self._channels.pop(event.action_key)
                    self._counts["message", self._workflow_of[event.enrollment_id], channel] += 1
                case (
                    j.TimerSet()
                    | j.EventAwaited()
                    | j.SendHeld()
                    | j.ActionRequested()
                    | j.StepCompleted()
                    | j.StepSkipped()
                    | j.StepFailed()
                ):
                    self._take_step(event)

    def _take_step(self, event: _StepEvent) -> None:
        workflow_id, visit = self._workflow_of[event.enrollment_id], (event.enrollment_id, event.step_id)
        if isinstance(event, j.TimerSet | j.EventAwaited | j.SendHeld | j.ActionRequested):
            self._waiting[visit] = workflow_id
            if isinstance(event, j.ActionRequested):
                self._channels[event.action_key] = event.channel
            return
        self._waiting.pop(visit, None)
        self._counts["step", workflow_id, event.step_id, _DONE[type(event)]] += 1
        if isinstance(event, j.StepCompleted) and event.branch is not None:
            self._counts["branch", workflow_id, event.step_id, event.branch] += 1

    def _end(self, enrollment_id: str, how: str) -> None:
        self._counts["end", self._workflow_of.pop(enrollment_id), how] += 1

    def summary(self, workflows: Iterable[Workflow], contacts: int) -> Summary:
        """All that was counted, workflows and steps in the order of their definitions."""
        waiting = Counter((workflow_id, step_id) for (_, step_id), workflow_id in self._waiting.items())
        return Summary(
            contacts=contacts,
            facts=self._counts["facts",],
            journal_events=self._counts["journal",],
            incidents=self._counts["incidents",],
            workflows=[self._workflow(workflow, waiting) for workflow in workflows],
        )

    def _workflow(self, workflow: Workflow, waiting: Counter[tuple[str, str]]) -> WorkflowSummary:
        enrolled = self._counts["enrolled", workflow.id]
        ends = self._by_last("end", workflow.id)
        steps = [
            StepSummary(
                step_id=step.id,
                step_type=step.kind,
                **{what: self._counts["step", workflow.id, step.id, what] for what in _DONE.values()},
                waiting=waiting[workflow.id, step.id],
                branches=self._by_last("branch", workflow.id, step.id),
            )
            for step in workflow.steps.values()
        ]
        return WorkflowSummary(
            id=workflow.id,
            name=workflow.name,
            enrolled=enrolled,
            ends={**ends, "open": enrolled - sum(ends.values())},
            steps=steps,
            messages=self._by_last("message", workflow.id),
        )

    def _by_last(self, *begin: str) -> dict[str, int]:
        length = len(begin)
        return {key[length]: count for key, count in sorted(self._counts.items()) if key[:length] == begin}
