"""Waiting for an event: what ends a wait and what does not, its time-out, pauses, and what else the event sets off."""

import pytest

from domain import command as c
from domain.catalogue import Catalogue
from domain.conditions import Comparison
from domain.decision import MAX_HOPS, Context
from domain.engine import TimerDue, decide_failure
from domain.ids import action_key
from domain.steps.wait_for_event import AwaitedDelivery
from domain.stuck import Patience, stuck
from domain.workflow import Lateness, Step, Trigger, Workflow
from tests.support.engine_spec import CONTACT, DAY_MS, START_MS, Spec, entry, happened, step, workflow

REPLY = Trigger("sms_received")
PAID = Trigger("event", {"name": "order.paid"})
CLICK = AwaitedDelivery(step="offer", statuses=("clicked",))
TWO_DAYS = 2 * 86_400


def waiting(
    *events: Trigger | AwaitedDelivery,
    seconds: float | None = TWO_DAYS,
    id: str = "w",
    version: int = 1,
    **fields: object,
) -> Workflow:
    """Waits, then tags by the way that it took."""
    return workflow(
        step("answer", "wait_for_event", *(events or (REPLY,)), seconds=seconds, branches=WAYS, **fields),
        step("warm", "add_tag", tag="warm", next=None),
        step("cold", "add_tag", tag="cold"),
        id=id,
        version=version,
    )


WAYS = {"received": "warm", "timeout": "cold"}


def awaiting(*events: Trigger | AwaitedDelivery, **fields: object) -> Spec:
    return Spec(waiting(*events, **fields)).created()


def replied(spec: Spec, body: str = "Yes!", **fields: object) -> Spec:
    return spec.fact("contact.sms_received", {"body": body}, **fields)


def came(branch: str | None = "received", **fields: object) -> dict[str, object]:
    return happened("step_completed", step_id="answer", branch=branch, **fields)


# ---------------------------------------------------------------- a wait opens, and an event ends it


def test_a_wait_says_what_it_waits_for_and_until_when():
    awaiting().then(
        happened("contact_event_accepted"),
        happened("enrolled"),
        happened(
            "event_awaited",
            step_id="answer",
            due_at_ms=START_MS + 2 * DAY_MS,
            input={"waits_for": ["an SMS is received"], "seconds": TWO_DAYS},
        ),
    )


def test_the_event_ends_the_wait_and_stands_in_its_output():
    replied(awaiting(), after_ms=DAY_MS, time="2027-01-16T08:00:00Z").then(
        happened("contact_event_accepted"),
        came(
            next_step="warm",
            output={
                "timed_out": False,
                "number": 1,
                "id": "e2",
                "type": "contact.sms_received",
                "source": "crm",
                "time": "2027-01-16T08:00:00Z",
                "data": {"body": "Yes!"},
            },
        ),
        happened("contact_changed", data={"tag": "warm"}),
        happened("step_completed", step_id="warm"),
        happened("enrollment_completed"),
    )


def test_conditions_and_texts_read_what_came():
    spec = Spec(
        workflow(
            step("answer", "wait_for_event", PAID),
            step("thank", "send_sms", body="Thanks for {{steps.answer.output.data.total}} EUR"),
        )
    ).created()

    spec.fact("order.paid", {"total": 5})

    assert spec.last[-1].personal.request["body"] == "Thanks for 5 EUR"


def test_without_an_event_the_time_out_ends_it():
    awaiting().timer(after_ms=2 * DAY_MS).then(
        came("timeout", next_step="cold", output={"timed_out": True, "delay_until": "2027-01-17T08:00:00.000Z"}),
        happened("contact_changed", data={"tag": "cold"}),
        happened("step_completed", step_id="cold"),
        happened("enrollment_completed"),
    )


def test_a_branch_that_is_not_there_follows_next():
    for after in (replied, lambda spec: spec.timer(after_ms=2 * DAY_MS)):
        spec = Spec(
            workflow(step("answer", "wait_for_event", REPLY, seconds=TWO_DAYS), step("rest", "delay"))
        ).created()

        after(spec)

        assert spec.enrollment().step_id == "rest"


def test_without_a_time_out_it_waits_for_ever_and_is_not_stuck():
    spec = awaiting(seconds=None)

    assert spec.enrollment().timer is None
    assert stuck(spec.state, spec.now_ms + 1_000 * DAY_MS, Patience()) == []
    replied(spec, after_ms=1_000 * DAY_MS)
    assert "warm" in spec.state.contact.tags


def test_a_time_out_of_nothing_only_looks():
    awaiting(seconds=0).then(
        happened("contact_event_accepted"),
        happened("enrolled"),
        came("timeout", output={"timed_out": True}),
        happened("contact_changed"),
        happened("step_completed"),
        happened("enrollment_completed"),
    )


def test_the_time_out_is_too_early():
    awaiting().timer(after_ms=2 * DAY_MS - 1).nothing()


# ---------------------------------------------------------------- which events count


@pytest.mark.parametrize(
    ("awaited", "others", "wanted"),
    [
        (Trigger("sms_received", {"contains": "yes"}), [("contact.sms_received", {"body": "no"})],
         ("contact.sms_received", {"body": "oh yes"})),
        (Trigger("tag_added", {"tag": "vip"}), [("contact.tag_added", {"tag": "x"}), ("contact.tag_removed", {"tag": "x"})],
         ("contact.tag_added", {"tag": "vip"})),
        (Trigger("tag_removed", {"tag": "new"}), [("contact.tag_removed", {"tag": "old"})],
         ("contact.tag_removed", {"tag": "new"})),
        (Trigger("field_updated", {"field": "plan", "from": None, "to": "pro"}),
         [("contact.field_updated", {"field": "size", "value": "pro"})],
         ("contact.field_updated", {"field": "plan", "value": "pro"})),
        (PAID, [("order.opened", {})], ("order.paid", {})),
        (Trigger("event", {"name": "order.paid"}, Comparison("event.total", "greater_than", 10)),
         [("order.paid", {"total": 10})], ("order.paid", {"total": 11})),
    ],
)  # fmt: skip
def test_an_awaited_event_is_written_and_matched_as_a_trigger(awaited, others, wanted):
    spec = Spec(waiting(awaited)).created(tags=["new", "old"])

    for other in others:
        spec.fact(*other)
        assert spec.enrollment().awaits_event, f"{other} is not what it waits for"
    spec.fact(*wanted)

    assert "warm" in spec.state.contact.tags


def test_of_several_events_the_one_that_comes_is_told_by_its_number():
    spec = awaiting(REPLY, PAID)

    spec.fact("order.paid", {"total": 5})

    assert spec.last[1].personal.output["number"] == 2


def test_conditions_see_the_event_that_came_and_the_one_that_enrolled():
    same_order = Comparison("event.order", "equals", "{{enrollment.event.order}}")
    spec = Spec(
        workflow(
            step("answer", "wait_for_event", Trigger("event", {"name": "order.paid"}, same_order), seconds=TWO_DAYS),
            step("rest", "delay"),
            triggers=(Trigger("event", {"name": "order.opened"}),),
        )
    ).fact("order.opened", {"order": 7})

    spec.fact("order.paid", {"order": 8}).then(happened("contact_event_accepted"))
    spec.fact("order.paid", {"order": 7})

    compared = {"field": "event.order", "operator": "equals", "value": "7", "actual": 7, "result": True}
    assert spec.last[1].personal.input == {"conditions": [compared]}


def test_what_changes_nothing_is_no_event():
    spec = Spec(waiting(Trigger("tag_added", {"tag": "vip"}))).created(tags=["vip"])

    spec.fact("contact.tag_added", {"tag": "vip"}).then(happened("contact_event_accepted"))


def test_the_event_that_enrolled_does_not_end_the_wait():
    again = workflow(step("answer", "wait_for_event", REPLY), triggers=(REPLY,))

    spec = replied(Spec(again).fact("something.else"))

    assert spec.enrollment().awaits_event
    replied(spec)
    assert not spec.state.enrollments


def test_an_event_ends_one_wait_of_an_enrollment_not_the_next():
    spec = Spec(workflow(step("first", "wait_for_event", REPLY), step("second", "wait_for_event", REPLY))).created()

    replied(spec)

    assert spec.enrollment().step_id == "second"
    assert spec.enrollment().awaits_event


def test_an_echo_of_our_own_change_ends_no_wait():
    spec = awaiting(PAID)

    spec.fact("order.paid", causation_id=f"{CONTACT}/1").then(happened("contact_event_accepted", applied=False))


def test_what_is_older_than_the_first_start_ends_no_wait():
    awaiting(PAID).fact("order.paid", fires=False).then(happened("contact_event_accepted"))


def test_a_repeated_event_is_not_heard_twice():
    spec = Spec(workflow(step("first", "wait_for_event", PAID), step("second", "wait_for_event", PAID))).created()

    spec.fact("order.paid", id="o1").fact("order.paid", id="o1").nothing()

    assert spec.enrollment().step_id == "second"


def test_conditions_that_cannot_be_asked_are_an_incident_and_the_wait_goes_on():
    broken = Trigger(
        "event", {"name": "order.paid"}, Comparison("event.total", "equals", "{{ event.total | divided_by: 0 }}")
    )
    spec = awaiting(broken, Trigger("event", {"name": "order.paid"}, Comparison("event.ok", "exists")))

    spec.fact("order.paid", {"total": 1})

    spec.then(
        happened("contact_event_accepted"), happened("incident_opened", code="template_error", enrollment_id=None)
    )
    assert spec.enrollment().awaits_event
    spec.fact("order.paid", {"total": 1, "ok": 1})
    assert "warm" in spec.state.contact.tags


# ---------------------------------------------------------------- an event has more than one hearer


def test_an_event_ends_all_waits_for_it_then_fires_triggers_then_all_run_on():
    first, second = waiting(id="first"), waiting(id="second")
    triggered = workflow(step("rest", "delay"), id="triggered", triggers=(REPLY,))
    spec = Spec(triggered, first, second).created()

    replied(spec).then(
        happened("contact_event_accepted"),
        came(),
        came(),
        happened("enrolled", workflow_id="triggered"),
        happened("contact_changed", data={"tag": "warm"}),
        happened("step_completed", step_id="warm"),
        happened("enrollment_completed"),
        happened("step_completed", step_id="warm"),
        happened("enrollment_completed"),
        happened("timer_set"),
    )


def test_one_that_the_event_wakes_is_still_open_for_the_re_entry_rule():
    once_more = workflow(
        step("answer", "wait_for_event", REPLY), triggers=(Trigger("contact_created"), REPLY), reentry="after_exit"
    )

    replied(Spec(once_more).created()).then(
        happened("contact_event_accepted"),
        came(),
        happened("trigger_skipped", reason="reentry"),
        happened("enrollment_completed"),
    )


def test_a_change_that_a_step_makes_ends_waits_for_it():
    tagging = workflow(step("mark", "add_tag", tag="vip"), id="tagging", triggers=(PAID,))
    spec = Spec(tagging, waiting(Trigger("tag_added", {"tag": "vip"}))).created()

    spec.fact("order.paid").then(
        happened("contact_event_accepted"),
        happened("enrolled", workflow_id="tagging"),
        happened("contact_changed", data={"tag": "vip"}, hops=1),
        came(hops=1),
        happened("step_completed", step_id="mark"),
        happened("enrollment_completed"),
        happened("contact_changed", data={"tag": "warm"}, hops=2),
        happened("step_completed", step_id="warm"),
        happened("enrollment_completed"),
    )


def test_a_round_of_waits_and_changes_is_stopped_as_a_chain():
    def hears_and_says(id: str, hears: str, says: str) -> Workflow:
        return workflow(
            step("answer", "wait_for_event", Trigger("tag_added", {"tag": hears})),
            step("again", "remove_tag", tag=hears),
            step("say", "add_tag", tag=says, next="answer"),
            id=id,
        )

    spec = Spec(hears_and_says("a", "ping", "pong"), hears_and_says("b", "pong", "ping")).created()

    spec.fact("contact.tag_added", {"tag": "ping"})

    assert [event.code for event in spec.last if hasattr(event, "incident_id")] == ["hop_limit"]
    assert max(event.hops for event in spec.last if hasattr(event, "hops") and event.hops) == MAX_HOPS + 1
    spec.fact("contact.tag_removed", {"tag": "ping"}).fact("contact.tag_removed", {"tag": "pong"})
    assert "ping" not in spec.state.contact.tags


# ---------------------------------------------------------------- deliveries of its messages


def delivered(spec: Spec, status: str, *, visit: int = 1, of: str = "offer", after_ms: int = 0) -> Spec:
    id_ = next(event.enrollment_id for event in spec.journal if event.__struct_config__.tag == "enrolled")
    key = action_key(id_, of, visit)
    about = {"enrollment_id": id_, "step_id": of, "visit": visit, "action_key": key}
    return spec.command(c.ReportDelivery, **about, channel="email", status=status, after_ms=after_ms)


def sent(*steps: Step) -> Spec:
    """The offer went out by e-mail, and the enrollment went on with these steps."""
    return offering(*steps).outcome("succeeded", provider_id="SG1")


def offering(*steps: Step) -> Spec:
    return Spec(workflow(step("offer", "send_email", to="ada@example.test"), *steps)).created().started()


CLICKED = step("answer", "wait_for_event", CLICK, seconds=TWO_DAYS, branches={"received": None, "timeout": "rest"})
REST = step("rest", "delay")


def test_a_delivery_that_is_reported_ends_the_wait():
    delivered(sent(CLICKED, REST), "clicked").then(
        happened("delivery_reported", status="clicked"),
        came(
            output={"timed_out": False, "number": 1, "type": "delivery", "data": {"step": "offer", "status": "clicked"}}
        ),
        happened("enrollment_completed"),
    )


def test_another_status_does_not():
    delivered(sent(CLICKED, REST), "opened").then(happened("delivery_reported"))


def test_one_that_was_reported_before_the_wait_began_ends_it_at_once():
    spec = sent(step("first", "delay", seconds=60), CLICKED, REST)
    delivered(delivered(spec, "clicked"), "unsubscribed")

    spec.timer(after_ms=60_000).then(
        happened("step_completed", step_id="first"),
        came(input={"waits_for": ["the message of step offer is reported clicked"], "seconds": TWO_DAYS}),
        happened("enrollment_completed"),
    )


def test_one_that_is_the_first_word_of_the_attempt_itself_ends_it_at_once():
    delivered(offering(CLICKED, REST), "clicked").then(
        happened("attempt_succeeded"),
        happened("step_completed", step_id="offer"),
        happened("delivery_reported"),
        came(),
        happened("enrollment_completed"),
    )


@pytest.mark.parametrize(
    ("reported", "wanted"),
    [("clicked", "opened"), ("opened", "delivered"), ("spam_reported", "delivered"), ("bounced", "failed"), ("dropped", "failed")],
)  # fmt: skip
def test_a_status_shows_others(reported, wanted):
    spec = sent(step("answer", "wait_for_event", AwaitedDelivery(step="offer", statuses=(wanted,))), REST)

    assert delivered(spec, reported).enrollment().step_id == "rest"


def test_a_report_on_an_earlier_visit_of_the_step_does_not_count():
    spec = sent(
        step("answer", "wait_for_event", CLICK, PAID, branches={"received": "paid"}),
        step(
            "paid",
            "condition",
            test=Comparison("steps.answer.output.type", "equals", "order.paid"),
            branches={"true": "offer"},
        ),
        REST,
    )
    spec.fact("order.paid").started().outcome("succeeded", provider_id="SG2")

    delivered(spec, "clicked", visit=1).then(happened("delivery_reported"))
    delivered(spec, "clicked", visit=2)

    assert spec.enrollment().step_id == "rest"


def test_an_end_of_consent_that_a_report_tells_comes_before_what_runs_on():
    answer = step("answer", "wait_for_event", AwaitedDelivery(step="offer", statuses=("bounced",)))
    spec = sent(answer, step("again", "send_email", to="ada@example.test"))
    key = action_key(spec.enrollment().id, "offer", 1)
    about = {"enrollment_id": spec.enrollment().id, "step_id": "offer", "visit": 1, "action_key": key}

    spec.command(c.ReportDelivery, **about, channel="email", status="bounced", recipient="ada@example.test").then(
        happened("delivery_reported"),
        happened("consent_changed", allowed=False),
        came(),
        happened("step_skipped", step_id="again", reason="bounced"),
        happened("enrollment_completed"),
    )


# ---------------------------------------------------------------- pauses, ends, and other interventions


def test_a_pause_makes_the_time_out_later():
    spec = awaiting().on_enrollment(c.PauseEnrollment, after_ms=1)
    spec.on_enrollment(c.ResumeEnrollment, after_ms=DAY_MS)

    spec.timer(after_ms=2 * DAY_MS - 2)
    assert spec.enrollment().awaits_event
    spec.timer(after_ms=1)
    assert "cold" in spec.state.contact.tags


def test_what_comes_during_a_pause_counts_and_the_enrollment_goes_on_when_it_is_resumed():
    spec = awaiting().on_enrollment(c.PauseEnrollment)

    replied(spec, after_ms=DAY_MS).then(happened("contact_event_accepted"), came(next_step="warm"))
    assert spec.enrollment().status == "paused"
    spec.on_enrollment(c.ResumeEnrollment, after_ms=DAY_MS).then(
        happened("command_resulted"),
        happened("enrollment_resumed"),
        happened("contact_changed", data={"tag": "warm"}),
        happened("step_completed", step_id="warm"),
        happened("enrollment_completed"),
    )


def test_of_a_paused_workflow_too():
    spec = awaiting()
    spec.with_catalogue(entry(waiting(), status="paused", paused_at_ms=spec.now_ms))

    replied(spec).then(happened("enrollment_paused"), happened("contact_event_accepted"), came(next_step="warm"))
    assert spec.enrollment().status == "paused"


def test_a_cancelled_wait_hears_nothing_more():
    spec = awaiting().on_enrollment(c.CancelEnrollment)

    replied(spec).then(happened("contact_event_accepted"))
    assert not spec.state.enrollments


def test_an_event_that_comes_after_the_time_was_over_and_before_anybody_looked_beats_the_time_out():
    spec = replied(awaiting(), after_ms=3 * DAY_MS)

    assert "warm" in spec.state.contact.tags


def test_what_follows_an_event_is_not_late():
    spec = Spec(
        workflow(
            step("answer", "wait_for_event", REPLY, seconds=60),
            step("thank", "send_sms", lateness=Lateness(1_000, "skip")),
        )
    ).created()

    replied(spec, after_ms=DAY_MS)

    assert spec.last[-1].__struct_config__.tag == "action_requested"


def test_what_follows_a_late_time_out_is_as_late():
    spec = Spec(
        workflow(
            step("answer", "wait_for_event", REPLY, seconds=60),
            step("remind", "send_sms", lateness=Lateness(1_000, "skip")),
        )
    ).created()

    spec.timer(after_ms=DAY_MS).then(
        came("timeout"), happened("step_skipped", step_id="remind", reason="late"), happened("enrollment_completed")
    )


def test_a_time_out_that_is_too_late_is_skipped_as_the_wait_says():
    awaiting(lateness=Lateness(1_000, "exit")).timer(after_ms=3 * DAY_MS).then(
        happened("step_skipped", step_id="answer", reason="late"), happened("enrollment_exited")
    )


def test_a_time_out_that_is_held_as_too_late_is_over_and_an_event_does_not_undo_that():
    spec = Spec(waiting(), hold_late_ms=1_000).created()
    spec.timer(after_ms=3 * DAY_MS).then(happened("enrollment_held"))

    replied(spec).then(happened("contact_event_accepted"))
    spec.on_enrollment(c.RepairEnrollment, step_id="answer", visit=1, how="run")

    assert "cold" in spec.state.contact.tags


def test_it_waits_for_what_the_version_says_to_which_it_moves():
    spec = awaiting(REPLY)
    spec.with_catalogue(entry(waiting(PAID, version=2), waiting(REPLY), in_flight={1: 2}))

    (due_at_ms, told) = (spec.enrollment().timer.due_at_ms, {"waits_for": ['an event comes in (name "order.paid")']})
    spec.reconciled().then(
        happened("enrollment_migrated", version=2),
        happened("event_awaited", visit=1, due_at_ms=due_at_ms, input={**told, "seconds": TWO_DAYS}),
    )
    replied(spec).then(happened("contact_event_accepted"))
    spec.fact("order.paid")

    assert "warm" in spec.state.contact.tags


def test_a_wait_that_stays_the_same_is_not_told_anew():
    spec = awaiting(REPLY)
    spec.with_catalogue(entry(waiting(REPLY, seconds=60, version=2), waiting(REPLY), in_flight={1: 2}))
    due_at_ms = spec.enrollment().timer.due_at_ms

    spec.reconciled().then(happened("enrollment_migrated", version=2))
    assert spec.enrollment().timer.due_at_ms == due_at_ms


def test_a_paused_wait_that_moves_is_told_anew_and_stands_still():
    spec = awaiting(REPLY)
    spec.on_enrollment(c.PauseEnrollment)
    spec.with_catalogue(entry(waiting(PAID, version=2), waiting(REPLY), in_flight={1: 2}))

    spec.reconciled().then(happened("enrollment_migrated"), happened("event_awaited"))
    assert spec.enrollment().status == "paused"
    spec.fact("order.paid").then(happened("contact_event_accepted"), came())


def test_it_does_not_move_to_a_version_where_the_step_waits_for_no_event():
    spec = awaiting(REPLY)
    other = workflow(step("answer", "delay"), version=2)
    spec.with_catalogue(entry(other, waiting(REPLY), in_flight={1: 2}))

    spec.reconciled().nothing()
    replied(spec)

    assert "warm" in spec.state.contact.tags


def test_a_delivery_counts_that_was_reported_before_it_moved():
    opened = AwaitedDelivery(step="offer", statuses=("opened",))
    spec = delivered(sent(CLICKED, REST), "opened")
    newer = workflow(step("offer", "send_email"), step("answer", "wait_for_event", opened), REST, version=2)
    spec.with_catalogue(entry(newer, spec.entries["w"].versions[1].compiled, in_flight={1: 2}))

    spec.reconciled().then(happened("enrollment_migrated"), came(), happened("timer_set", step_id="rest"))


def test_a_wait_that_failed_is_begun_anew():
    spec = awaiting()
    due = TimerDue(contact_id=CONTACT, enrollment_id=spec.enrollment().id)
    context = Context(now_ms=spec.now_ms, catalogue=Catalogue(entries=spec.entries))
    spec.state = decide_failure(spec.state, due, ValueError("a slip"), context).state

    assert not spec.enrollment().awaits_event
    spec.on_enrollment(c.RetryEnrollment, how="again")
    assert spec.enrollment().awaits_event
