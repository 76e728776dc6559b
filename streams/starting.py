"""Which attempts begin in a cycle: free slots go first to actions that waited, then to those of this cycle."""

from domain.steps.kinds import MESSAGE_CHANNELS
from streams.agenda import is_running
from streams.dispatcher import Dispatcher
from streams.pace import limit_of
from streams.store import Store
from streams.work import Work


def start_attempts(work: Work, store: Store, dispatcher: Dispatcher) -> None:
    """Start what there is a free slot for and what its workflow's pace lets go; the rest goes on waiting."""
    left: dict[str, int] = {}
    pace, kept_back = dispatcher.pace, dispatcher.pace.exhausted()
    waiting = [
        pair
        for channel in store.waiting_channels()
        for pair in store.waiting(
            channel, dispatcher.free_slots(channel), but=kept_back if channel in MESSAGE_CHANNELS else ()
        )
    ]
    for contact_id, enrollment_id in [*waiting, *work.requested]:
        enrollment = work.state(contact_id).enrollments.get(enrollment_id)
        action = enrollment.action if enrollment else None
        if enrollment is None or action is None or action.status != "requested":
            continue
        channel, workflow_id = action.channel, enrollment.workflow_id
        limit = limit_of(work.catalogue, enrollment) if channel in MESSAGE_CHANNELS else None
        if channel not in left:
            left[channel] = dispatcher.free_slots(channel)
        if left[channel] > 0 and pace.may_begin(channel, workflow_id, limit):
            work.start_attempt(contact_id, enrollment_id)
            if is_running(work.state(contact_id), enrollment_id):
                pace.begins(channel, workflow_id, limit)
                left[channel] -= 1
