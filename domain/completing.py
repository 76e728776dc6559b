"""The step that an enrollment stands at, and its completion, which chooses where the enrollment goes."""

from domain import journal as j
from domain.decision import Decision
from domain.enrollment import Enrollment
from domain.workflow import Step, Workflow


def current_workflow(decision: Decision, enrollment: Enrollment) -> Workflow:
    """The version that the enrollment runs."""
    return decision.context.catalogue.workflow(enrollment.workflow_id, enrollment.version)


def current_step(decision: Decision, enrollment: Enrollment) -> Step:
    """The step that the enrollment stands at (it must stand at one)."""
    assert enrollment.step_id is not None, f"enrollment {enrollment.id} stands at no step"
    return current_workflow(decision, enrollment).steps[enrollment.step_id]


def complete_step(
    decision: Decision,
    enrollment: Enrollment,
    step: Step,
    visit: int,
    data: j.StepData,
    *,
    branch: str | None = None,
    hops: int | None = None,
) -> None:
    """Record that a step is done; the enrollment stands where its branch leads, else at the next one."""
    decision.on_visit(
        j.StepCompleted,
        enrollment,
        step.id,
        visit,
        step_type=step.kind,
        next_step=step.branches.get(branch, step.next) if branch else step.next,
        branch=branch,
        hops=hops,
        personal=data,
    )
