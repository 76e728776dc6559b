"""Recording: what happened to an enrollment becomes a test whose rehearsal takes the very same path."""

import random

import pytest
from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.conditions import Comparison
from domain.masking import mask
from domain.path import Path, Visit, first_divergence, path_of
from domain.recording import NotRecordable, record
from domain.rehearsal import rehearse
from domain.workflow import Retry, Trigger
from domain.workflow_test import AttemptOutcome, Fact, Wish
from tests.support.engine_spec import DAY_MS, Spec, entry, step, workflow
from tests.support.random_lives import ACTIONS, WORKFLOWS, random_life

FLOW = workflow(
    step("hi", "send_sms", body="Hi {{first_name}}", retry=Retry(max_attempts=3)),
    step("wait", "delay"),
    step(
        "replied",
        "condition",
        test=Comparison("last_sms_reply", "contains", "yes"),
        branches={"true": "thanks", "false": "cold"},
    ),
    step("thanks", "send_sms", body="Thanks {{first_name | upcase}}", next=None),
    step("cold", "add_tag", tag="cold"),
)
IDS = {live.id: live for live in WORKFLOWS}


def sent(spec, outcome="succeeded", **fields):
    """The attempt that is asked for is made, and answered."""
    action = spec.started().enrollment().action
    return spec.on_enrollment(c.ReportOutcome, outcome=outcome, action_key=action.key, attempt=action.attempt, **fields)


def happy(reply="yes, Ada here, write to ada@home.test"):
    spec = sent(Spec(FLOW).created(last_name="Lovelace", email="ada@home.test"), provider_id="SM1")
    spec.fact("contact.sms_received", {"body": reply, "from": "+1555"}, after_ms=60_000)
    spec.timer(after_ms=DAY_MS)
    return sent(spec) if spec.state.enrollments else spec


def enrollment_of(spec):
    return next(event.enrollment_id for event in spec.journal if isinstance(event, j.Enrolled))


def recorded(spec, flow=FLOW):
    return record(spec.journal, enrollment_of(spec), flow)


def test_the_recorded_path_is_the_one_of_the_journal():
    test = recorded(happy())

    assert test.expects == rehearse(test, FLOW)
    assert [(visit.step, visit.did, visit.branch) for visit in test.expects.visits] == [
        ("hi", "completed", None),
        ("wait", "completed", None),
        ("replied", "completed", "true"),
        ("thanks", "completed", None),
    ]
    assert (test.expects.trigger, test.expects.ends) == ("contact_created", "completed")
    assert test.expects.visits[0].sends == {"channel": "sms", "to": "+1555", "body": "Hi Ada"}
    assert test.expects.visits[1].waits_ms == DAY_MS


def test_facts_come_in_times_from_the_start_on():
    test = recorded(happy())

    assert [(one.at_ms, one.type) for one in test.happens] == [(0, "contact.created"), (60_000, "contact.sms_received")]
    assert [(one.step, one.outcome, one.provider_id) for one in test.outcomes] == [
        ("hi", "succeeded", "SM1"),
        ("thanks", "succeeded", None),
    ]


def test_an_outcome_that_is_known_after_all_is_told_after_the_unknown_one():
    spec = sent(Spec(FLOW).created(), "unknown", code="timeout")
    action = spec.enrollment().action
    spec.on_enrollment(c.ReportOutcome, outcome="succeeded", action_key=action.key, attempt=1, after_ms=90_000)
    test = recorded(spec)

    assert [(one.attempt, one.outcome, one.after_ms) for one in test.outcomes] == [
        (1, "unknown", 0),
        (1, "succeeded", 90_000),
    ]
    assert [(visit.step, visit.did) for visit in test.expects.visits] == [("hi", "completed"), ("wait", "waiting")]
    assert rehearse(test, FLOW) == test.expects


def test_what_came_late_or_not_at_all_is_late_in_the_rehearsal_too():
    overdue = sent(Spec(FLOW).created(), "failed", code="busy", retryable=True)
    overdue.on_enrollment(c.CancelEnrollment, after_ms=DAY_MS)
    paused = sent(Spec(FLOW).created()).on_enrollment(c.PauseEnrollment, after_ms=2 * DAY_MS)

    for spec, step_id in ((overdue, "hi"), (paused, "wait")):
        test = recorded(spec)
        assert rehearse(test, FLOW) == test.expects
        assert (test.expects.visits[-1].step, test.expects.visits[-1].did) == (step_id, "waiting")


def test_what_was_before_is_given():
    flow = workflow(
        step("tag", "add_tag", tag="{{plan}}"), triggers=(Trigger("tag_added", {"tag": "go"}),), reentry="always"
    )
    spec = Spec(flow).created(custom_fields={"plan": "gold"}).fact("contact.sms_received", {"body": "hey"})
    spec.fact("contact.tag_added", {"tag": "go"}).fact("contact.tag_removed", {"tag": "go"})
    spec.fact("contact.tag_added", {"tag": "go"}, after_ms=5)
    second = [event for event in spec.journal if isinstance(event, j.Enrolled)][1]
    test = record(spec.journal, second.enrollment_id, flow)

    assert test.contact.custom_fields == {"plan": "gold"}
    assert test.contact.tags == ("gold",)
    assert (test.last_sms_reply, test.enrolled_before) == ("hey", 1)
    assert [one.type for one in test.happens] == ["contact.tag_added"]
    assert rehearse(test, flow) == test.expects


def test_failures_retries_and_operators_are_part_of_it():
    spec = sent(Spec(FLOW).created(), "failed", code="busy", retryable=True)
    spec.timer(after_ms=5_000)
    sent(spec, "failed", code="refused")
    spec.on_enrollment(c.RetryEnrollment, how="again", after_ms=60_000)
    sent(spec).on_enrollment(c.PauseEnrollment, after_ms=1_000)
    spec.on_enrollment(c.ResumeEnrollment, after_ms=7_000).timer(after_ms=DAY_MS)
    test = recorded(spec)

    assert [one.what for one in test.happens if not isinstance(one, Fact)] == ["retry", "pause", "resume"]
    assert [(one.attempt, one.outcome, one.code) for one in test.outcomes[:3]] == [
        (1, "failed", "busy"),
        (2, "failed", "refused"),
        (3, "succeeded", None),
    ]
    assert test.outcomes[0].retry_after_ms >= 1_000
    assert rehearse(test, FLOW) == test.expects
    assert test.expects.visits[-1].step == "cold"


def test_an_enrollment_that_still_runs_is_recorded_as_far_as_it_came():
    asked, started = Spec(FLOW).created(), Spec(FLOW).created().started()
    waiting = sent(Spec(FLOW).created())
    for spec, steps in ((asked, ["hi"]), (started, ["hi"]), (waiting, ["hi", "wait"])):
        test = recorded(spec)
        assert [visit.step for visit in test.expects.visits] == steps
        assert test.expects.visits[-1].did == "waiting"
        assert test.expects.ends == "waiting"
        assert rehearse(test, FLOW) == test.expects


def test_a_wait_that_ended_late_is_late_only_where_it_makes_a_difference():
    def life(reply_after_ms):
        spec = sent(Spec(FLOW).created())
        spec.fact("contact.sms_received", {"body": "yes"}, after_ms=DAY_MS + reply_after_ms)
        return spec.timer(after_ms=10_000)

    harmless, decisive = recorded(life(-60_000)), recorded(life(5_000))

    assert harmless.late == ()
    assert [(one.step, one.late_ms) for one in decisive.late] == [("wait", 15_000)]
    assert decisive.expects.visits[2].branch == "true"
    assert rehearse(decisive, FLOW) == decisive.expects


def test_changes_of_another_enrollment_are_news():
    other = workflow(
        step("tag", "update_field", field="first_name", value="Countess"),
        id="other",
        triggers=(Trigger("sms_received"),),
    )
    greets = workflow(step("wait", "delay"), step("hi", "send_sms", body="Hi {{first_name}}"))
    spec = Spec(greets, other).created().fact("contact.sms_received", {"body": "x"}, after_ms=5)
    one = next(e for e in spec.state.enrollments.values() if e.workflow_id == "w")
    from domain.engine import TimerDue

    spec.when(TimerDue(contact_id="ada", enrollment_id=one.id), after_ms=DAY_MS)
    test = record(spec.journal, one.id, greets)

    assert test.happens[-1] == Fact(
        at_ms=5, type="contact.field_updated", data=test.happens[-1].data, source="headrace", hops=1
    )
    assert test.expects.visits[-1].sends["body"] == "Hi Countess"


def test_an_enrollment_that_moved_between_versions_makes_no_test():
    second = workflow(*FLOW.steps.values(), version=2)
    spec = sent(Spec(FLOW).created())
    spec.with_catalogue(entry(second, FLOW, in_flight={1: 2})).reconciled()

    with pytest.raises(NotRecordable, match="went on in version 2"):
        recorded(spec)


def test_a_history_that_the_version_does_not_give_makes_no_test():
    other = workflow(*[one for one in FLOW.steps.values() if one.id != "hi"])

    with pytest.raises(NotRecordable, match=r"takes another path than the journal has.*expected step hi"):
        recorded(happy(), other)
    with pytest.raises(NotRecordable, match="expected the enrollment nobody"):
        record(happy().journal, "nobody", FLOW)


@pytest.mark.parametrize("holding", [True, False])
def test_random_lives_are_rehearsed_to_the_letter(holding):
    """Whatever happens to a contact: retries, unknown outcomes, pauses, operators, workflows that start each other, lateness.

    An operator who acts in the very millisecond of an outcome can't be told from one who was quicker: it is refused.
    So is a message that was repaired while it was held, and held again for too long.
    """
    told = refused = held = repaired = skipped_late = 0
    for seed in range(80):
        spec = random_life(seed, held=holding)
        for one in [event for event in spec.journal if isinstance(event, j.Enrolled)]:
            flow = IDS[one.workflow_id]
            try:
                test = record(spec.journal, one.enrollment_id, flow)
            except NotRecordable:
                refused += 1
                continue
            told += 1
            held += any(late.held for late in test.late)
            repaired += any(isinstance(one, Wish) and one.what == "repair" for one in test.happens)
            skipped_late += any(visit.code == "late" for visit in test.expects.visits)
            assert test.expects == path_of(upto_its_end(spec.journal, one), one.enrollment_id)
            assert rehearse(test, flow) == test.expects
            masked = mask(test, flow).test
            assert masked.expects == rehearse(masked, flow)
            assert shape(masked.expects) == shape(test.expects)
    assert told > 100
    assert refused < told * 0.03
    assert skipped_late > 10
    assert (held > 10, repaired > 10) == (holding, holding)


def upto_its_end(journal, enrolled):
    ends = [e.seq for e in journal if getattr(e, "enrollment_id", "") == enrolled.enrollment_id and isinstance(e, ENDS)]
    return [event for event in journal if not ends or event.seq <= ends[0]]


ENDS = (j.EnrollmentCompleted, j.EnrollmentExited, j.EnrollmentCancelled)


def shape(path):
    return [(visit.step, visit.visit, visit.did, visit.branch, visit.code) for visit in path.visits], path.ends


def test_consent_and_callbacks_are_part_of_it():
    by_status = workflow(
        step("hi", "send_sms", body="Hi"),
        step("wait", "delay"),
        step("arrived", "condition", test=Comparison("steps.hi.output.status", "equals", "delivered"), branches={"true": "more", "false": None}),
        step("more", "send_sms", body="More", next="mail"),
        step("mail", "send_email", to="{{email}}"),
    )  # fmt: skip
    spec = Spec(by_status).created(phone="+1 555", email="Ada@Home.test")
    spec.command(c.ChangeConsent, channel="email", address="Ada@Home.test", allowed=False, reason="bounced")
    one = sent(spec, provider_id="SM1").enrollment()
    about = {"step_id": "hi", "visit": 1, "action_key": f"{one.id}/hi/1", "channel": "sms", "recipient": "+1 555"}
    spec.on_enrollment(c.ReportDelivery, **about, status="delivered", after_ms=4_000)
    spec.fact("contact.sms_received", {"body": "STOP", "from": "+1555"}, after_ms=60_000).timer(after_ms=DAY_MS)
    test = recorded(spec, by_status)
    masked = mask(test, by_status)

    assert [(visit.step, visit.did, visit.code) for visit in test.expects.visits] == [
        ("hi", "completed", None),
        ("wait", "completed", None),
        ("arrived", "completed", None),
        ("more", "skipped", "opted_out"),
        ("mail", "skipped", "bounced"),
    ]
    assert rehearse(test, by_status) == test.expects
    assert (masked.kept, shape(masked.test.expects)) == ((), shape(test.expects))
    assert [secret for secret in ("555'", "ada@home", "Ada@", "STOP") if secret in repr(masked.test)] == []


def test_consent_that_ended_before_is_given():
    flow = workflow(step("hi", "send_sms", body="Hi"), triggers=(Trigger("tag_added", {"tag": "go"}),))
    spec = Spec(flow).created().fact("contact.sms_received", {"body": "stop"}).fact("contact.tag_added", {"tag": "go"})
    test = recorded(spec, flow)

    assert [(one.channel, one.address, one.reason) for one in test.opted_out] == [("sms", "+1555", "opted_out")]
    assert test.expects.visits[0].code == "opted_out"
    assert rehearse(mask(test, flow).test, flow).visits[0].code == "opted_out"


def test_a_number_without_a_country_code_is_of_the_region_that_the_engine_was_told():
    flow = workflow(step("hi", "send_sms", body="Hi"), triggers=(Trigger("tag_added", {"tag": "go"}),))
    spec = Spec(flow, phone_region="DE").created(phone="0151 12345678")
    spec.fact("contact.sms_received", {"body": "stop", "from": "+4915112345678"}).fact(
        "contact.tag_added", {"tag": "go"}
    )
    test = record(spec.journal, enrollment_of(spec), flow, phone_region="DE")

    assert test.expects.visits[0].code == "opted_out"
    assert rehearse(test, flow) == test.expects
    assert rehearse(replace(test, phone_region=None), flow).visits[0].did != "skipped"
    assert rehearse(mask(test, flow).test, flow).visits[0].code == "opted_out"
    with pytest.raises(NotRecordable):
        record(spec.journal, enrollment_of(spec), flow)


# ---------------------------------------------------------------- masking


def test_a_masked_test_names_nobody_and_takes_the_same_path():
    spec = happy()
    masked = mask(recorded(spec), FLOW, words=("yes", "no", "contains"))
    text = repr(masked.test)

    assert [
        secret
        for secret in ("Ada", "ADA", "Lovelace", "ada@home.test", "+1555'", "write to", "'ada'")
        if secret in text
    ] == []
    assert [visit.step for visit in masked.test.expects.visits] == [
        visit.step for visit in recorded(spec).expects.visits
    ]
    assert masked.test.expects.visits[0].sends == {"channel": "sms", "to": "+15550100001", "body": "Hi Alex"}
    assert masked.test.expects.visits[3].sends["body"] == "Thanks ALEX"
    assert masked.kept == ()


def test_of_a_message_that_decides_the_decisive_word_is_kept():
    masked = mask(recorded(happy()), FLOW, words=("yes", "no"))
    (reply,) = [one for one in masked.test.happens if one.type == "contact.sms_received"]

    assert reply.data["body"] == "message 1: yes"


def test_of_a_message_that_decides_by_a_pattern_one_word_is_kept():
    masked = mask(recorded(happy("Oh yes! Ada Lovelace, 1 Main Street")), FLOW)
    (reply,) = [one for one in masked.test.happens if one.type == "contact.sms_received"]

    assert (reply.data["body"], masked.kept) == ("yes!", ())


def test_a_message_that_decides_as_a_whole_is_kept_and_that_is_said():
    flow = workflow(
        step("is", "condition", test=Comparison("event.body", "equals", "call me back"), branches={"true": "tag", "false": None}),
        step("tag", "add_tag", tag="call"),
        triggers=(Trigger("sms_received"),),
    )  # fmt: skip
    spec = Spec(flow).created().fact("contact.sms_received", {"body": "call me back"})
    masked = mask(recorded(spec, flow), flow)

    assert masked.test.happens[0].data["body"] == "call me back"
    assert masked.kept == ("a message was kept: without it the contact would take another path",)


def test_an_address_whose_domain_decides_keeps_its_domain():
    flow = workflow(
        step(
            "ours",
            "condition",
            test=Comparison("email", "ends_with", "@acme.test"),
            branches={"true": "tag", "false": None},
        ),
        step("tag", "add_tag", tag="staff"),
    )
    test = recorded(Spec(flow).created(email="ada@acme.test"), flow)

    assert "person1@acme.test" in repr(mask(test, flow).test)


def test_the_arm_of_a_split_survives_another_contact_id():
    flow = workflow(
        step("split", "ab_split", paths=("a", "b", "c"), weights=(0.1, 0.1, 0.8), branches={"a": "one", "b": "two", "c": "three"}),
        *(step(name, "add_tag", tag=name, next=None) for name in ("one", "two", "three")),
    )  # fmt: skip
    test = recorded(Spec(flow).created(), flow)
    masked = mask(test, flow)

    assert masked.test.contact.id.startswith("contact-")
    assert masked.test.expects.visits[0].branch == test.expects.visits[0].branch
    assert masked.kept == ()


def test_the_same_text_has_the_same_stand_in_everywhere():
    flow = workflow(step("note", "update_field", field="note", value="{{first_name}} <{{email}}>"))
    spec = Spec(flow).created(
        email="ada@home.test", custom_fields={"boss": "Ada", "other": "reach me at bob@home.test"}
    )
    test = mask(recorded(spec, flow), flow, fields=("nickname",)).test
    contact = test.happens[0].data["contact"]

    assert contact["email"] == "person1@example.com"
    assert contact["custom_fields"] == {"boss": "Alex", "other": "reach me at person2@example.com"}
    assert test.expects.visits[0].changes[0]["data"]["value"] == "Alex <person1@example.com>"


def test_custom_fields_are_masked_when_they_are_named():
    flow = workflow(step("wait", "delay"))
    spec = Spec(flow).created(custom_fields={"street": "1 Main St", "plan": "gold"})
    contact = mask(recorded(spec, flow), flow, fields=("street",)).test.happens[0].data["contact"]

    assert contact["custom_fields"] == {"street": "street 1", "plan": "gold"}


# ---------------------------------------------------------------- divergence

PATH = Path(trigger="manual", visits=(Visit(step="a", did="completed", branch="true", sends={"to": "+1", "body": "Hi"}), Visit(step="b", did="waiting", waits_ms=DAY_MS)), ends="waiting")  # fmt: skip


@pytest.mark.parametrize(
    ("found", "place", "words"),
    [
        (Path(), 0, "expected an enrollment by manual, found no enrollment"),
        (Path(trigger="tag_added"), 0, "found an enrollment by tag_added"),
        (Path(trigger="manual", visits=PATH.visits[1:], ends="waiting"), 1, "expected step a completed, branch true, found step b waiting"),
        (Path(trigger="manual", visits=PATH.visits[:1], ends="failed"), 2, "expected step b waiting, found the end: failed"),
        (Path(trigger="manual", visits=(*PATH.visits, Visit(step="c", did="skipped")), ends="waiting"), 3, "expected the end (waiting), found step c skipped"),
        (Path(trigger="manual", visits=PATH.visits, ends="exited"), 3, "expected the end to be waiting, found exited"),
        (Path(trigger="manual", visits=(Visit(step="a", did="completed", branch="false", sends={"to": "+2", "body": "Hi"}),), ends="waiting"), 1, "a: expected branch 'true', found 'false'; expected sends.to '+1', found '+2'"),
        (Path(trigger="manual", visits=(PATH.visits[0], Visit(step="b", did="completed", waits_ms=1_500)), ends="waiting"), 2, "b: expected a wait of 1d, found a wait of 1.5s"),
        (Path(trigger="manual", visits=(Visit(step="a", visit=2, did="completed"),), ends="waiting"), 1, "found step a (visit 2) completed"),
    ],
)  # fmt: skip
def test_the_first_difference_is_told(found, place, words):
    divergence = first_divergence(PATH, found)

    assert divergence.place == place
    assert words in divergence.what
    assert first_divergence(PATH, PATH) is None


def test_another_definition_is_played_on_the_same_facts():
    test = recorded(happy())
    longer = workflow(
        *[
            step("wait", "delay", seconds=2 * 86_400, next="replied") if one.id == "wait" else one
            for one in FLOW.steps.values()
        ]
    )
    more = workflow(step("first", "send_sms", body="A new step"), *FLOW.steps.values())

    assert (
        first_divergence(test.expects, rehearse(test, longer)).what == "wait: expected a wait of 1d, found a wait of 2d"
    )
    path = rehearse(test, more)
    assert (path.visits[0].step, path.visits[0].did) == ("first", "completed"), "an attempt without an outcome succeeds"
    assert path.visits[-1].step == "thanks"


def test_an_outcome_may_be_open():
    test = recorded(happy())

    path = rehearse(replace(test, outcomes=(AttemptOutcome(step="hi", outcome="open"),)), FLOW)

    assert [(visit.step, visit.did) for visit in path.visits] == [("hi", "waiting")]


def test_a_circle_of_waits_comes_to_an_end():
    circle = workflow(step("a", "delay", seconds=1), step("b", "add_tag", tag="x", next="a"))

    test = recorded(Spec(circle).created(), circle)
    path = rehearse(replace(test, lasts_ms=10**12), circle)

    assert len(path.visits) > 1_000
    assert path.ends == "waiting"


def test_a_path_is_of_one_enrollment():
    life = random.Random(1)
    spec = random_life(life.randint(0, 99))

    assert path_of(spec.journal, "nobody") == Path()
    assert {one.workflow_id for one in spec.journal if isinstance(one, j.Enrolled)} >= {ACTIONS}
