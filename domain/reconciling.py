"""Bringing a contact's open enrollments in line with the catalogue: paused, resumed, cancelled or migrated.

It asks only what the catalogue says now, so it may run as often as one likes and picks up after any stop.
"""

from domain import journal as j
from domain.catalogue import Entry
from domain.decision import Decision
from domain.enrollment import CLOSED, Enrollment
from domain.operating import cancel_enrollment, resume_enrollment
from domain.waking import may_move, move


def reconcile(decision: Decision) -> None:
    """Apply to each open enrollment what was decided about its workflow."""
    for enrollment in list(decision.state.enrollments.values()):
        entry = decision.context.catalogue.entries.get(enrollment.workflow_id)
        if entry is not None and enrollment.status not in CLOSED:
            _reconcile_one(decision, enrollment, entry)


def _reconcile_one(decision: Decision, enrollment: Enrollment, entry: Entry) -> None:
    if enrollment.version in entry.in_flight:
        target = entry.in_flight[enrollment.version]
        if target is None:
            cancel_enrollment(decision, enrollment, "publish")
            return
        _migrate(decision, enrollment, target)
    if entry.status == "paused" and enrollment.status == "active":
        decision.on(j.EnrollmentPaused, enrollment, by="workflow", paused_at_ms=entry.paused_at_ms)
    elif entry.status != "paused" and enrollment.status == "paused" and enrollment.paused_by == "workflow":
        resume_enrollment(decision, enrollment, entry.resumed_at_ms)


def _migrate(decision: Decision, enrollment: Enrollment, version: int) -> None:
    """Go on in the new version at the step of the same id; without such a step it stays on its own version.

    A wait for an event goes on as one for what the new version waits for there, until the time-out that was set.
    """
    if may_move(decision.context.catalogue, enrollment, version):
        move(decision, enrollment, version)
