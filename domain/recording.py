"""Recording: what happened to one enrollment, as a workflow test that leads to the same path."""

import math
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from domain import journal as j
from domain.errors import HeadraceError
from domain.evolve import evolve, initial
from domain.path import first_divergence, path_of
from domain.rehearsal import rehearse
from domain.state import ContactState
from domain.watching import Watch
from domain.workflow import Workflow
from domain.workflow_test import Consent, WorkflowTest

_ENDS: Final = (j.EnrollmentCompleted, j.EnrollmentExited, j.EnrollmentCancelled)
_WORTH_TELLING_MS: Final = (math.inf, 3_600_000, 60_000, 1_000, 1, 0)
"""From when on lateness is told, the most first: everything is a little late, and it seldom makes a difference."""


class NotRecordable(HeadraceError):
    """What happened can't be told by a test of one version."""


def record(
    events: Sequence[j.JournalEvent], enrollment_id: str, workflow: Workflow, *, phone_region: str | None = None
) -> WorkflowTest:
    """The test of an enrollment; its rehearsal takes the recorded path, to the letter.

    Args:
        events: all of the contact's journal events, from its first on.
        enrollment_id: one of its enrollments.
        workflow: the version that it ran, compiled with the workflow's id.
        phone_region: the country of phone numbers that name none, as the engine was told.

    Raises:
        NotRecordable: the enrollment moved between versions, or its rehearsal takes another path.
        JournalGap: events are missing.
    """
    enrolled = next((e for e in events if isinstance(e, j.Enrolled) and e.enrollment_id == enrollment_id), None)
    if enrolled is None:
        raise NotRecordable(f"expected the enrollment {enrollment_id} among the contact's events, found none")
    window, before = _window(events, enrolled), initial(enrolled.contact_id)
    for event in events:
        if event.seq < enrolled.cause_seq:
            before = evolve(before, event)
    watch, test = _watched(window, before, enrollment_id), _test(window, before, enrolled, workflow)
    test = replace(test, phone_region=phone_region)
    found = None
    for least_ms in _WORTH_TELLING_MS:
        late, outcomes = watch.late(least_ms), watch.outcomes(least_ms)
        test = replace(test, happens=tuple(watch.happens), outcomes=outcomes, late=late)
        found = first_divergence(test.expects, rehearse(test, workflow))
        if found is None:
            return test
    what = found.what if found is not None else ""
    raise NotRecordable(
        f"a rehearsal of what happened takes another path than the journal has, so it makes no test: {what}"
    )


def _window(events: Sequence[j.JournalEvent], enrolled: j.Enrolled) -> list[j.JournalEvent]:
    """From the event that led to the enrollment to the one that ended it, or the last one.

    Raises:
        NotRecordable: it moved to another version meanwhile.
    """
    window: list[j.JournalEvent] = []
    for event in events:
        if event.seq >= enrolled.cause_seq:
            window.append(event)
        if getattr(event, "enrollment_id", None) != enrolled.enrollment_id:
            continue
        if isinstance(event, j.EnrollmentMigrated):
            raise NotRecordable(
                f"the enrollment went on in version {event.version}: a test is of one version, so it can't be recorded"
            )
        if isinstance(event, _ENDS):
            break
    return window


def _watched(window: Sequence[j.JournalEvent], state: ContactState, enrollment_id: str) -> Watch:
    """What was seen of the enrollment; `state` is the contact's before the first event."""
    watch = Watch(enrollment_id, window[0].at_ms)
    for event in window:
        state = evolve(state, event)
        watch.take(event, state.enrollments.get(enrollment_id))
    watch.end(window[-1].at_ms)
    return watch


def _test(
    window: Sequence[j.JournalEvent], before: ContactState, enrolled: j.Enrolled, workflow: Workflow
) -> WorkflowTest:
    """All of the test but what providers and lateness did."""
    contact, history = before.contact, before.history.get(enrolled.workflow_id)
    return WorkflowTest(
        name=f"{contact.id} in {workflow.name}",
        workflow_id=enrolled.workflow_id,
        version=enrolled.version,
        starts_at_ms=window[0].at_ms,
        lasts_ms=window[-1].at_ms - window[0].at_ms,
        contact=contact,
        last_sms_reply=before.last_sms_reply,
        opted_out=tuple(
            Consent(channel=one.channel, address=one.address, reason=one.reason) for one in before.suppressions
        ),
        enrolled_before=history.count if history else 0,
        happens=(),
        expects=path_of(window, enrolled.enrollment_id),
    )
