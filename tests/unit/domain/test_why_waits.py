"""Why a wait for an event ended as it did, or did not end: what came, what did not count, and why."""

from domain import command as c
from domain.conditions import Comparison
from domain.workflow import Trigger
from tests.support.engine_spec import DAY_MS, entry, step, workflow
from tests.unit.domain.test_why import Story

YES = Trigger("sms_received", {"contains": "yes"})
PAID = Trigger("event", {"name": "order.paid"}, Comparison("event.total", "greater_than", 10))
TWO_DAYS = 2 * 86_400


def waiting(seconds: float | None = TWO_DAYS, **fields) -> Story:
    steps = (
        step("answer", "wait_for_event", YES, PAID, seconds=seconds, branches={"timeout": "remind"}),
        step("rest", "delay", next=None),
        step("remind", "delay"),
    )
    return Story(workflow(*steps, **fields)).created()


def visit(story: Story):
    return story.told().steps[0]


def test_an_open_wait_says_for_what_and_how_long():
    story = waiting()

    assert visit(story).words == (
        'step answer waits until an SMS is received (contains "yes") or an event comes in (name "order.paid"), '
        "if event.total greater_than 10, 2027-01-17 08:00:00 at the latest"
    )
    assert story.stop("answer") == "waiting"
    assert story.stop("rest") == "waiting"
    assert "the enrollment stands at step answer: step answer waits until an SMS" in story.why().answer


def test_one_without_a_time_out_says_no_time():
    assert visit(waiting(seconds=None)).words.endswith("if event.total greater_than 10")


def test_the_event_that_ended_it_is_shown():
    story = waiting().fact("contact.sms_received", {"body": "oh yes"})

    assert visit(story).words.endswith("if event.total greater_than 10: contact.sms_received came, which led to rest")
    assert visit(story).received["data"] == {"body": "oh yes"}
    assert visit(story).missed == ()


def test_the_operands_that_were_recorded_are_shown():
    story = waiting().fact("order.paid", {"total": 11})

    (compared,) = visit(story).conditions
    assert (compared["field"], compared["actual"]) == ("event.total", 11)


def test_what_did_not_count_is_shown_with_the_reason():
    story = waiting().fact("contact.sms_received", {"body": "no"}).fact("order.paid", {"total": 9})
    story.fact("something.else").timer(after_ms=2 * DAY_MS)

    told = visit(story)
    assert told.words.endswith("it did not come in time, which led to remind")
    assert [(one.event_type, one.words) for one in told.missed] == [
        ("contact.sms_received", 'the wait asks for contains "yes"'),
        ("order.paid", "the wait's conditions were not met: event.total greater_than 10: false, it was 9"),
    ]


def test_an_echo_did_not_count():
    story = waiting().fact("order.paid", {"total": 11}, causation_id="ada/1")

    assert visit(story).missed[0].words.startswith("it was an echo of our own change")


def test_what_came_when_the_time_out_was_held_as_too_late_did_not_count():
    story = waiting()
    story.hold_late_ms = 1_000
    story.timer(after_ms=3 * DAY_MS).fact("order.paid", {"total": 11})

    assert visit(story).missed[0].words == "the time-out was over by then"


def test_a_branch_that_a_wait_took_away_from_a_step_is_told():
    story = waiting().fact("contact.sms_received", {"body": "yes"})

    assert story.stop("remind") == "other_branch"
    assert "contact.sms_received came, which led to rest" in story.why(step_id="remind").answer


def test_a_wait_that_its_enrollment_left_is_told():
    story = waiting().on_enrollment(c.CancelEnrollment)

    assert visit(story).status == "skipped"
    assert visit(story).words.endswith("and was skipped: the enrollment ended")


def test_it_tells_what_the_version_waited_for_to_which_it_moved():
    story = waiting()
    newer = workflow(step("answer", "wait_for_event", Trigger("event", {"name": "order.sent"})), version=2)
    story.with_catalogue(entry(newer, story.entries["w"].versions[1].compiled, in_flight={1: 2})).reconciled()

    story.fact("order.paid", {"total": 11})
    assert visit(story).missed == ()
    assert visit(story).waits_for == ('an event comes in (name "order.sent")',)
    story.fact("order.sent")
    assert visit(story).received["type"] == "order.sent"
