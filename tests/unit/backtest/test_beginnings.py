"""Where one decision ends in a journal: what an enrollment's move comes to at once is no other decision."""

from domain import command as c
from domain import journal as j
from domain.backtest.beginnings import begins_decision, is_settling
from domain.ids import action_key
from domain.steps.wait_for_event import AwaitedDelivery
from domain.workflow import Step, Trigger
from tests.support.engine_spec import Spec, entry, happened, step, workflow

PAID = Trigger("event", {"name": "order.paid"})
OPENED = AwaitedDelivery(step="offer", statuses=("opened",))


def moved(awaited: Trigger | AwaitedDelivery) -> tuple[Spec, bool]:
    """An enrollment that waited for a reply after a message that was opened, moved; and whether that is one decision."""

    def version(number: int, what: Trigger | AwaitedDelivery):
        wait: Step = step("answer", "wait_for_event", what, seconds=60)
        return workflow(step("offer", "send_email", to="a@example.test"), wait, version=number)

    first = version(1, Trigger("sms_received"))
    spec = Spec(first).created().started().outcome("succeeded")
    about = {"step_id": "offer", "visit": 1, "action_key": action_key(spec.enrollment().id, "offer", 1)}
    spec.on_enrollment(c.ReportDelivery, **about, channel="email", status="opened")
    spec.with_catalogue(entry(version(2, awaited), first, in_flight={1: 2}))
    waiting = spec.enrollment()
    spec.reconciled()
    before, event = spec.last[:2]
    return spec, is_settling(event, before, waiting) and not begins_decision(event, before, waiting)


def test_that_a_wait_is_told_anew():
    spec, is_one = moved(PAID)
    spec.then(happened("enrollment_migrated"), happened("event_awaited"))
    assert is_one


def test_that_a_wait_is_over_as_its_delivery_was_reported():
    spec, is_one = moved(OPENED)
    assert isinstance(spec.last[1], j.StepCompleted)
    assert is_one
