"""Frequency caps: at most so many messages within a span, whatever workflow they are of."""

from hypothesis import given
from hypothesis import strategies as st

from domain import journal as j
from domain.frequency import MAX_MESSAGES, MAX_SPAN_MS, FrequencyCap, Sent, free_at, remember
from domain.send_window import SendWindow
from domain.steps.kinds import MESSAGE_CHANNELS
from domain.workflow import Trigger
from tests.support.engine_spec import DAY_MS, START_MS, Spec, happened, step, workflow

HOUR_MS = 3_600_000
TWICE_A_DAY = FrequencyCap(messages=2, span_ms=DAY_MS)
ONCE_OR_SKIP = FrequencyCap(messages=1, span_ms=DAY_MS, skips=True)


def capped(cap, kind="send_sms", **more):
    """A workflow of one message for each `go` of its contact."""
    return workflow(
        step("hi", kind, frequency_cap=cap, **more),
        triggers=(Trigger("event", {"name": "go"}),),
        reentry="always",
        id=kind,
    )


def go(spec, *, after_ms=0):
    """The contact enters again; its attempt succeeds when it may begin."""
    spec.fact("go", after_ms=after_ms)
    return send(spec) if spec.last[-1].__struct_config__.tag == "action_requested" else spec


def send(spec):
    spec.started()
    return spec.outcome("succeeded") if isinstance(spec.last[-1], j.AttemptStarted) else spec


def fresh(*flows):
    return Spec(*flows).created(email="ada@example.test")


def test_up_to_the_cap_messages_go_and_the_next_waits_until_the_oldest_is_a_span_away():
    spec = go(go(fresh(capped(TWICE_A_DAY))), after_ms=HOUR_MS)
    go(spec, after_ms=HOUR_MS).then(
        happened("contact_event_accepted"), happened("enrolled"),
        happened("send_held", step_id="hi", reason="frequency_cap", until_ms=START_MS + DAY_MS),
    )  # fmt: skip
    spec.timer(after_ms=22 * HOUR_MS).then(happened("action_requested", step_id="hi", visit=1))
    send(spec).then(happened("attempt_succeeded"), happened("step_completed"), happened("enrollment_completed"))


def test_or_it_is_skipped_when_the_cap_says_so():
    spec = go(fresh(capped(ONCE_OR_SKIP)))
    go(spec, after_ms=HOUR_MS).then(
        happened("contact_event_accepted"), happened("enrolled"),
        happened("step_skipped", step_id="hi", reason="frequency_cap"), happened("enrollment_completed"),
    )  # fmt: skip


def test_messages_of_every_workflow_and_channel_count():
    mails = capped(None, "send_email", to="a@example.test")
    texts = workflow(step("hi", "send_sms", frequency_cap=ONCE_OR_SKIP), triggers=(Trigger("event", {"name": "text"}),))
    spec = go(fresh(mails, texts))
    spec.fact("text").then(
        happened("contact_event_accepted"), happened("enrolled"), happened("step_skipped", reason="frequency_cap"),
        happened("enrollment_completed"),
    )  # fmt: skip


def test_a_cap_of_one_channel_counts_that_channel_alone():
    mails = capped(None, "send_email", to="a@example.test")
    cap = FrequencyCap(messages=1, span_ms=DAY_MS, channel="sms")
    texts = workflow(step("hi", "send_sms", frequency_cap=cap), triggers=(Trigger("event", {"name": "text"}),))
    spec = go(fresh(mails, texts))
    assert spec.fact("text").last[-1].__struct_config__.tag == "action_requested"


def test_of_two_that_wait_for_a_slot_at_once_the_first_goes():
    first = workflow(step("hi", "send_sms", frequency_cap=ONCE_OR_SKIP), id="first")
    second = workflow(step("hi", "send_sms", frequency_cap=FrequencyCap(messages=1, span_ms=DAY_MS)), id="second")
    spec = Spec(first, second).created()
    one, other = spec.enrollment("first"), spec.enrollment("second")
    spec.when(spec.start_of(one)).then(happened("attempt_started", channel="sms"))
    spec.when(spec.start_of(other)).then(happened("send_held", reason="frequency_cap", until_ms=START_MS + DAY_MS))


def test_what_its_provider_surely_did_not_take_does_not_count():
    spec = fresh(capped(ONCE_OR_SKIP, on_failure="continue")).fact("go").started().outcome("failed", code="refused")
    assert spec.state.sent == ()
    assert spec.fact("go").last[-1].__struct_config__.tag == "action_requested"


def test_what_may_have_been_taken_does():
    spec = fresh(capped(ONCE_OR_SKIP)).fact("go").started().outcome("unknown")
    assert spec.fact("go").last[-2].reason == "frequency_cap"


def test_a_message_is_no_obstacle_to_its_own_next_attempt():
    spec = fresh(capped(ONCE_OR_SKIP)).fact("go").started().outcome("failed", retryable=True)
    spec.timer(after_ms=10_000).started().then(happened("attempt_started", attempt=2))
    assert [(one.channel, one.at_ms) for one in spec.state.sent] == [("sms", spec.now_ms)]


def test_a_request_is_no_message():
    hook = workflow(step("hook", "http_request"), triggers=(Trigger("event", {"name": "go"}),))
    assert go(fresh(hook)).state.sent == ()


def test_over_its_cap_a_message_goes_when_its_window_opens_after_that():
    evening = SendWindow(from_minute=17 * 60, to_minute=22 * 60)  # it is eight in the morning
    spec = go(fresh(capped(FrequencyCap(messages=1, span_ms=DAY_MS))))
    spec.with_catalogue(capped(FrequencyCap(messages=1, span_ms=DAY_MS), send_window=evening))
    go(spec, after_ms=HOUR_MS)
    assert (spec.last[-1].reason, spec.last[-1].until_ms) == ("frequency_cap", START_MS + DAY_MS + 9 * HOUR_MS)


def test_outside_its_window_a_message_is_not_skipped_yet_for_a_cap():
    evening = SendWindow(from_minute=17 * 60, to_minute=22 * 60)
    spec = go(fresh(capped(FrequencyCap(messages=1, span_ms=HOUR_MS, skips=True))))
    spec.with_catalogue(capped(FrequencyCap(messages=1, span_ms=HOUR_MS, skips=True), send_window=evening))
    go(spec, after_ms=60_000)
    assert (spec.last[-1].reason, spec.last[-1].until_ms) == ("send_window", START_MS + 9 * HOUR_MS)
    spec.timer(after_ms=9 * HOUR_MS - 60_000).then(happened("action_requested"))


# ---------------------------------------------------------------- the memory

messages = st.builds(
    lambda channel, at: (channel, at), st.sampled_from(sorted(MESSAGE_CHANNELS)), st.integers(0, 40 * DAY_MS)
)


@given(st.lists(messages, max_size=120).map(lambda given: sorted(given, key=lambda one: one[1])))
def test_the_memory_is_bounded_and_holds_all_that_a_cap_may_ask_for(given_):
    kept = ()
    for index, (channel, at_ms) in enumerate(given_):
        kept = remember(kept, Sent(channel, f"k{index}", at_ms))
    now_ms = given_[-1][1] if given_ else 0
    for channel in MESSAGE_CHANNELS:
        held = [one.at_ms for one in kept if one.channel == channel]
        wanted = [at_ms for of, at_ms in given_ if of == channel and at_ms > now_ms - MAX_SPAN_MS]
        assert held == wanted[-MAX_MESSAGES:]


@given(st.lists(st.integers(0, 3 * DAY_MS), max_size=12).map(sorted), st.integers(1, 5), st.integers(1_000, 2 * DAY_MS))
def test_it_is_free_as_soon_as_fewer_than_the_cap_lie_within_the_span_and_no_sooner(times, most, span_ms):
    cap, now_ms = FrequencyCap(messages=most, span_ms=span_ms), times[-1] if times else 0
    sent = tuple(Sent("sms", f"k{index}", at_ms) for index, at_ms in enumerate(times))
    free_ms = free_at(cap, sent, "mine", now_ms)

    def within(at_ms):
        return sum(at_ms - span_ms < one <= at_ms for one in times)

    assert free_ms >= now_ms
    assert within(free_ms) < most
    assert free_ms == now_ms or within(free_ms - 1) >= most
