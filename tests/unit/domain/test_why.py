"""Why: what an answer says of each event that could have enrolled, of each step, and of a step that was not done."""

import msgspec
import pytest

from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue, Entry
from domain.conditions import All, AnyOf, Comparison, Not
from domain.facts import type_of
from domain.why.answering import NoSuchEnrollment, answer
from domain.why.past import Past, recall
from domain.why.story import Considered, Enrollment, StepVisit, Why
from domain.why.telling import SILENT, TOLD
from domain.workflow import Lateness, Retry, Trigger, Workflow
from tests.support.engine_spec import CONTACT, DAY_MS, START_MS, Spec, entry, step, workflow
from tests.support.random_lives import ACTIONS, EVENING, TAGS, random_life

FACEBOOK = Comparison("source", "equals", "facebook_ad")
WAIT = step("wait", "delay")


class Story(Spec):
    """A spec that remembers under which definitions each event was decided, as a partition's journal does."""

    def __init__(self, *workflows: Workflow | Entry) -> None:
        super().__init__(*workflows)
        self.catalogues: list[Catalogue] = []

    def when(self, given, *, after_ms=0):
        super().when(given, after_ms=after_ms)
        self.catalogues += [Catalogue(entries=dict(self.entries))] * len(self.last)
        return self

    def past(self) -> Past:
        return recall(CONTACT, self.journal, lambda seq: self.catalogues[seq - 1])

    def why(self, workflow_id: str = "w", **question: str) -> Why:
        catalogue = Catalogue(entries=dict(self.entries))
        return answer(
            self.past(), catalogue, contact_id=CONTACT, workflow_id=workflow_id, at_ms=self.now_ms, **question
        )

    def considered(self) -> Considered:
        (one,) = self.why().considered
        return one

    def told(self) -> Enrollment:
        (one,) = self.why().enrollments
        return one

    def visit(self, step_id: str) -> StepVisit:
        return next(one for one in self.told().steps if one.step_id == step_id)

    def stop(self, step_id: str) -> str:
        stopped = self.why(step_id=step_id).stopped
        assert stopped is not None
        return stopped.reason


def on(trigger: Trigger, **fields) -> Workflow:
    return workflow(WAIT, triggers=(trigger,), **fields)


# ---------------------------------------------------------------- an event that enrolled


def test_an_enrolling_event_shows_the_operands_that_were_recorded():
    story = Story(on(Trigger("contact_created", conditions=FACEBOOK))).created(source="facebook_ad")
    one = story.considered()
    assert (one.enrolled, one.reason, one.recomputed) == (True, "enrolled", False)
    assert (one.version, one.workflow_status, one.reentry) == (1, "active", "once")
    assert one.conditions == [
        {"field": "source", "operator": "equals", "value": "facebook_ad", "actual": "facebook_ad", "result": True}
    ]
    assert one.enrollment_id == story.enrollment().id


def test_recorded_operands_are_not_recomputed():
    story = Story(on(Trigger("contact_created", conditions=FACEBOOK))).created(source="facebook_ad")
    enrolled = story.journal[1]
    assert isinstance(enrolled, j.Enrolled)
    enrolled.personal.matched[0]["actual"] = "as it was written"
    assert story.considered().conditions[0]["actual"] == "as it was written"
    assert story.told().conditions[0]["actual"] == "as it was written"


def test_the_answer_says_when_by_what_and_where_it_stands():
    story = Story(on(Trigger("contact_created", conditions=FACEBOOK))).created(source="facebook_ad")
    assert story.why().answer == (
        "ada was enrolled in w at 2027-01-15 08:00:00 (version 1), because contact.created fired its trigger "
        'contact_created (source equals "facebook_ad": true, it was "facebook_ad"); '
        "the enrollment waits at step wait until 2027-01-16 08:00:00."
    )


def test_enrolled_by_hand():
    story = Story(on(Trigger("manual"))).created().command(c.EnrollContact, workflow_id="w")
    one = story.considered()
    assert (one.event_type, one.trigger_type, one.enrolled, one.recomputed) == ("enroll_contact", "manual", True, False)
    assert "because somebody enrolled the contact by hand" in story.why().answer


def test_an_enrolment_by_hand_that_was_refused_is_told_under_its_workflow_alone():
    story = Story(on(Trigger("manual"))).created().command(c.EnrollContact, workflow_id="w")
    story.command(c.EnrollContact, workflow_id="w", after_ms=1_000)
    story.command(c.EnrollContact, workflow_id="other")
    _, refused = story.why().considered
    assert (refused.event_type, refused.enrolled, refused.reason, refused.recomputed) == ("enroll_contact", False, "reentry", False)  # fmt: skip
    assert story.why().answer.endswith(
        "The enroll_contact at 2027-01-15 08:00:01 did not enrol again: the contact was enrolled before, "
        "and the workflow's re-entry rule is `once`."
    )
    assert story.why().notes == ()


def test_a_refusal_of_an_older_version_does_not_say_in_which_workflow():
    story = Story(on(Trigger("manual"))).created()
    story.command(c.EnrollContact, workflow_id="other")
    story.journal[-1] = msgspec.structs.replace(story.journal[-1], workflow_id=None)
    (note,) = story.why().notes
    assert "the journal does not say in which workflow" in note.words


# ---------------------------------------------------------------- an event that enrolled nobody


def test_conditions_that_were_not_met_are_recomputed_with_the_values_of_then():
    story = Story(on(Trigger("contact_created", conditions=FACEBOOK))).created(source="google")
    story.fact("contact.field_updated", {"field": "source", "value": "facebook_ad"}, after_ms=1)
    one = story.considered()
    assert (one.enrolled, one.reason, one.recomputed) == (False, "conditions", True)
    assert [(o["actual"], o["result"]) for o in one.conditions] == [("google", False)]
    assert story.why().answer == (
        "ada was not enrolled in w: the contact.created at 2027-01-15 08:00:00 could have enrolled it, but "
        'the conditions were not met: source equals "facebook_ad": false, it was "google".'
    )


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (All((FACEBOOK, Comparison("plan", "exists"))), ['source equals "facebook_ad": false']),
        (AnyOf((FACEBOOK, Comparison("plan", "exists"))), ['source equals "facebook_ad": false', "plan exists: false"]),
        (Not(Comparison("first_name", "exists")), ['first_name exists: true, it was "Ada"']),
    ],
)
def test_the_answer_names_the_comparisons_that_decided(wanted, named):
    story = Story(on(Trigger("contact_created", conditions=wanted))).created()
    assert all(words in story.why().answer for words in named)


def test_a_filter_that_does_not_let_the_event_pass():
    story = Story(on(Trigger("sms_received", {"contains": "yes"}))).created()
    story.fact("contact.sms_received", {"body": "no"})
    assert (story.considered().reason, story.considered().words) == ("filter", 'the trigger asks for contains "yes"')


def test_a_change_of_nothing():
    story = Story(on(Trigger("tag_added", {"tag": "vip"}))).created(tags=["vip"])
    story.fact("contact.tag_added", {"tag": "vip"})
    assert (story.considered().reason, story.considered().words) == (
        "no_change",
        'the contact had the tag "vip" already',
    )


def test_an_echo_of_our_own_change():
    story = Story(on(Trigger("tag_added", {"tag": "vip"}))).created()
    story.fact("contact.tag_added", {"tag": "vip"}, causation_id=story.journal[0].id)
    assert story.considered().reason == "echo"


def test_input_older_than_the_first_start():
    story = Story(on(Trigger("contact_created"))).fact("contact.created", {"contact": {}}, fires=False)
    assert story.considered().reason == "before_start"


def test_a_paused_workflow_left_a_record_and_its_conditions_are_worked_out_anew():
    paused = entry(on(Trigger("contact_created", conditions=FACEBOOK)), status="paused")
    one = Story(paused).created(source="facebook_ad").considered()
    assert (one.reason, one.recomputed, one.conditions_recomputed) == ("paused", False, True)
    assert [o["result"] for o in one.conditions] == [True]
    assert one.workflow_status == "paused"


def test_the_reentry_rule():
    story = Story(on(Trigger("tag_added", {"tag": "vip"}))).created()
    for change in ("contact.tag_added", "contact.tag_removed", "contact.tag_added"):
        story.fact(change, {"tag": "vip"}, after_ms=1_000)
    first, second = story.why().considered
    assert (first.enrolled, second.reason, second.recomputed) == (True, "reentry", False)
    assert second.words == "the re-entry rule is `once`, and the contact had been enrolled before"
    assert story.why().answer.endswith(f"did not enrol again: {second.words}.")


def test_the_guards_against_loops_are_told_as_recorded():
    story = Story(on(Trigger("tag_added", {"tag": "vip"}))).created().fact("contact.tag_added", {"tag": "vip"}, hops=17)
    assert (story.considered().reason, story.considered().recomputed) == ("hop_limit", False)
    assert any("more than 16 changes" in note.words for note in story.why().notes)


def test_an_event_before_the_workflow_was_there_is_compared_with_the_version_that_is_live_now():
    story = Story().created()
    story.with_catalogue(on(Trigger("contact_created")))
    one = story.considered()
    assert (one.reason, one.workflow_status, one.version) == ("unknown", "unknown", None)
    assert one.words == "the workflow was not there yet"


def test_a_draft_enrols_nobody():
    live = on(Trigger("contact_created"))
    story = Story(Entry(id="w", name="w", status="draft")).created()
    assert story.why().answer == (
        "ada was not enrolled in w: the workflow is a draft, and a draft enrols nobody: publish a version first."
    )
    story.with_catalogue(live)
    assert story.considered().reason == "draft"


def test_an_archived_workflow():
    archived = entry(on(Trigger("contact_created")), status="archived")
    one = Story(archived).created().considered()
    assert (one.reason, one.version) == ("archived", None)


def test_the_version_that_was_live_then_is_the_one_that_is_asked():
    first = on(Trigger("tag_added", {"tag": "a"}, FACEBOOK))
    second = on(Trigger("tag_added", {"tag": "b"}), version=2)
    story = Story(first).created()
    story.fact("contact.tag_added", {"tag": "a"}).with_catalogue(entry(second, first))
    story.fact("contact.tag_removed", {"tag": "a"}).fact("contact.tag_added", {"tag": "a"})
    story.fact("contact.tag_added", {"tag": "b"}, after_ms=5)
    assert [(one.version, one.reason) for one in story.why().considered] == [(1, "conditions"), (2, "enrolled")]


def test_each_trigger_that_was_asked_is_told_up_to_the_one_that_enrolled():
    missed, hit, never = (Trigger("contact_created", conditions=one) for one in (FACEBOOK, None, FACEBOOK))
    story = Story(workflow(WAIT, triggers=(missed, hit, never))).created()
    assert [(one.trigger_index, one.reason, one.recomputed) for one in story.why().considered] == [
        (0, "conditions", True),
        (1, "enrolled", False),
    ]


def test_a_steps_change_can_enrol_too_and_the_step_is_named():
    tags = workflow(step("mark", "add_tag", tag="cold"), id="tags")
    story = Story(tags, on(Trigger("tag_added", {"tag": "cold"}))).created()
    one = story.considered()
    assert (one.event_type, one.made_by_step, one.enrolled) == ("contact.tag_added", "mark", True)


def test_when_no_event_could_have_enrolled_the_answer_says_what_would():
    triggers = (Trigger("tag_added", {"tag": "vip"}, FACEBOOK), Trigger("manual"))
    story = Story(workflow(WAIT, triggers=triggers)).created()
    assert story.why().considered == ()
    assert story.why().answer == (
        "ada was not enrolled in w: nothing that happened to the contact could have enrolled it. That happens when "
        'a tag is added (tag "vip"), if source equals "facebook_ad" or when somebody enrols the contact by hand.'
    )


def test_what_the_journal_knows_without_a_workflows_name_is_noted():
    story = Story(on(Trigger("manual"))).created()
    story.fact("contact.created", {"contact": {}}, id="e1", command_id="again")
    (note,) = story.why().notes
    assert note.type == "command_resulted"
    assert "a second time" in note.words


def test_a_journal_that_says_otherwise_than_todays_engine_is_not_explained_away():
    story = Story(on(Trigger("contact_created"))).created()
    story.journal, story.catalogues = story.journal[:1], story.catalogues[:1]
    assert (story.considered().reason, story.considered().recomputed) == ("unexplained", True)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("workflow_id", [ACTIONS, TAGS])
def test_in_every_life_what_is_recorded_is_told_and_what_is_recomputed_never_contradicts_it(seed, workflow_id):
    spec = random_life(seed)
    catalogue = Catalogue(entries=spec.entries)
    past = recall(CONTACT, spec.journal, lambda _: catalogue)
    told = answer(past, catalogue, contact_id=CONTACT, workflow_id=workflow_id, at_ms=spec.now_ms)
    enrolled = [e for e in spec.journal if isinstance(e, j.Enrolled) and e.workflow_id == workflow_id]
    skipped = [e for e in spec.journal if isinstance(e, j.TriggerSkipped) and e.workflow_id == workflow_id]
    assert [(o.seq, o.enrollment_id) for o in told.considered if o.enrolled] == [
        (e.cause_seq, e.enrollment_id) for e in enrolled
    ]
    assert [(o.seq, o.reason) for o in told.considered if not o.enrolled and not o.recomputed] == [
        (e.cause_seq, e.reason) for e in skipped
    ]
    assert "unexplained" not in {o.reason for o in told.considered}
    for one in told.enrollments:
        known = spec.state.enrollments.get(one.id)
        if known is not None:
            assert (one.status, one.current_step) in ((known.status, known.step_id), (known.status, None))
        assert all(visit.words for visit in one.steps)
        seqs = [visit.seq for visit in one.steps]
        assert seqs == sorted(seqs)


# ---------------------------------------------------------------- an enrollment's steps


REPLY = Comparison("last_sms_reply", "exists")
BRANCHING = workflow(
    step("wait", "delay"),
    step("check", "condition", test=REPLY, branches={"true": "thank", "false": "remind"}),
    step("thank", "send_sms", next=None, body="Thanks"),
    step("remind", "send_sms", next=None, body="Hello?", retry=Retry(max_attempts=2)),
)


def _at_reminder() -> Story:
    return Story(BRANCHING).created().timer(after_ms=DAY_MS)


def test_a_branch_shows_the_operands_that_decided_it():
    check = _at_reminder().visit("check")
    assert (check.branch, check.next_step) == ("false", "remind")
    assert check.conditions == [
        {"field": "last_sms_reply", "operator": "exists", "value": None, "actual": None, "result": False}
    ]
    assert check.words == ("step check took branch false to remind (last_sms_reply exists: false, it was missing)")


def test_a_wait_tells_until_when_pauses_counted_in():
    story = Story(BRANCHING).created().on_enrollment(c.PauseEnrollment)
    assert "stands still at step wait: it was paused by an operator" in story.why().answer
    story.on_enrollment(c.ResumeEnrollment, after_ms=1_000)
    wait = story.visit("wait")
    assert (wait.status, wait.due_at_ms) == ("running", START_MS + DAY_MS + 1_000)
    assert [turn.type for turn in story.told().turns] == ["enrollment_paused", "enrollment_resumed"]


def test_an_ab_split_shows_the_arm_and_the_weights():
    split = step("split", "ab_split", paths=("a", "b"), weights=(0.25, 0.75), branches={"a": "wait", "b": "wait"})
    visit = Story(workflow(split, WAIT)).created().visit("split")
    assert visit.arm is not None
    assert visit.arm.path == visit.branch
    assert visit.arm.weights == {"a": 0.25, "b": 0.75}
    assert f"arm {visit.branch} (of a 25 %, b 75 %)" in visit.words


def test_a_send_shows_intent_attempts_and_the_providers_words():
    story = _at_reminder().started()
    story.outcome("failed", code="busy", message="Too many requests", retryable=True)
    story.timer(after_ms=600_000).started().outcome("succeeded", provider_id="SM1", output={"status": "queued"})
    send = story.visit("remind").send
    assert send is not None
    assert (send.channel, send.request["body"], send.outcome) == ("sms", "Hello?", "succeeded")
    assert [(a.number, a.outcome, a.message, a.provider_id) for a in send.attempts] == [
        (1, "failed", "Too many requests", None),
        (2, "succeeded", None, "SM1"),
    ]
    assert send.attempts[1].output == {"status": "queued"}
    assert send.attempts[0].retry_at_ms is not None


def test_a_message_that_is_held_tells_until_when_and_why():
    spec = Story(workflow(step("hi", "send_sms", send_window=EVENING))).created()
    told = "the message of step hi is held until 2027-01-15 17:00:00: it is outside its send window"
    assert spec.visit("hi").words == told
    assert spec.stop("hi") == "held"
    assert spec.why(step_id="hi").stopped.words == told[0].upper() + told[1:]
    spec.timer(after_ms=DAY_MS // 24 * 9)
    assert "was asked for at" in spec.visit("hi").words


def test_a_send_shows_what_the_provider_said_later():
    story = _at_reminder().started().outcome("succeeded", provider_id="SM1")
    send = story.visit("remind").send
    assert send is not None
    report = {"step_id": "remind", "visit": 1, "action_key": send.action_key, "channel": "sms", "recipient": "+1555"}
    story.command(c.ReportDelivery, enrollment_id=story.told().id, status="delivered", **report)
    visit = story.visit("remind")
    assert visit.send is not None
    assert [delivery.status for delivery in visit.send.deliveries] == ["delivered"]
    assert visit.words.endswith("; the provider reported it delivered later")


def test_a_step_that_changes_the_contact_says_how():
    story = Story(workflow(step("mark", "add_tag", tag="vip"), WAIT)).created()
    assert story.visit("mark").words == 'step mark was done: added the tag "vip"'


def test_every_journal_event_about_an_enrollment_is_told_or_silent_on_purpose():
    about = {kind for kind in j.AnyJournalEvent.__args__ if "enrollment_id" in kind.__struct_fields__}
    assert about <= TOLD | SILENT
    assert not TOLD & SILENT


# ---------------------------------------------------------------- a step that was not done


def test_a_step_that_was_done():
    story = _at_reminder().started().outcome("succeeded", provider_id="SM1")
    assert story.stop("remind") == "done"
    assert "The SMS of step remind was taken by the provider as SM1" in story.why(step_id="remind").answer


def test_a_step_on_another_branch():
    story = _at_reminder()
    assert story.stop("thank") == "other_branch"
    assert story.why(step_id="thank").answer == (
        "Step thank was not reached: step check took branch false to remind (last_sms_reply exists: false, "
        "it was missing), and thank does not lie on that way."
    )


def test_a_step_behind_a_wait():
    story = Story(BRANCHING).created()
    assert story.stop("remind") == "waiting"
    assert story.stop("wait") == "waiting"
    assert "waits at step wait until 2027-01-16 08:00:00" in story.why(step_id="remind").answer


def test_a_step_that_is_under_way():
    story = _at_reminder()
    assert story.stop("remind") == "under_way"
    assert "no attempt was made" in story.why(step_id="remind").answer
    assert "is with the provider since" in story.started().why(step_id="remind").answer


def test_a_step_that_failed():
    story = _at_reminder().started().outcome("failed", code="twilio_21211", message="The number is not valid")
    assert story.stop("remind") == "failed"
    assert "The number is not valid (twilio_21211" in story.why(step_id="remind").answer


def test_a_step_that_was_skipped_because_the_recipient_opted_out():
    story = _at_reminder().started().outcome("failed", code="twilio_21610", message="Unsubscribed recipient")
    assert story.stop("remind") == "skipped"
    words = story.why(step_id="remind").answer
    assert words.startswith("Step remind was skipped: the recipient opted out, and is not written to any more")
    assert "Unsubscribed recipient (twilio_21610" in words
    (note,) = story.why().notes
    assert (note.type, note.words) == (
        "consent_changed", "+1555 is not written to any more on the channel sms (opted_out)"
    )  # fmt: skip


def test_a_step_whose_outcome_nobody_knows():
    story = _at_reminder().started().outcome("unknown", code="timeout", message="no answer")
    assert story.stop("remind") == "unknown"
    assert "may or may not have gone out" in story.why(step_id="remind").answer


def test_a_step_whose_outcome_nobody_knew_and_that_a_person_settled():
    story = _at_reminder().started().outcome("unknown", code="timeout", message="no answer")
    story.on_enrollment(c.RetryEnrollment, how="succeeded")
    words = story.visit("remind").words
    assert words.startswith("The SMS of step remind: an operator settled it as succeeded")
    assert "no answer" in words
    assert "nobody knows" not in words


def test_a_failed_step_that_is_retried_is_under_way_again():
    story = _at_reminder().started().outcome("failed", code="refused")
    story.on_enrollment(c.RetryEnrollment, how="again")
    assert story.stop("remind") == "under_way"
    story.started().outcome("succeeded", provider_id="SM2")
    assert story.stop("remind") == "done"


def test_a_step_behind_an_incident():
    steps = (step("hi", "send_sms"), step("later", "add_tag", tag="x"))
    story = Story(workflow(*steps)).fact("contact.created", {"contact": {}})
    assert story.stop("later") == "incident"
    assert "the contact has no phone number" in story.why(step_id="later").answer
    assert story.stop("hi") == "failed"
    story.on_enrollment(c.RetryEnrollment, how="skip")
    assert story.stop("hi") == "skipped"
    assert story.stop("later") == "done"


def test_a_step_of_a_paused_a_cancelled_and_an_exited_enrollment():
    story = Story(BRANCHING).created().on_enrollment(c.PauseEnrollment)
    assert (story.stop("remind"), story.stop("wait")) == ("paused", "paused")
    story.on_enrollment(c.CancelEnrollment, reason="spam")
    assert (story.stop("remind"), story.stop("wait")) == ("cancelled", "cancelled")
    assert "was cancelled at 2027-01-15 08:00:00 (by spam)" in story.why(step_id="remind").answer
    leaving = workflow(step("out", "exit", reason="not now"), step("never", "add_tag", tag="x"))
    story = Story(leaving).created()
    assert story.stop("never") == "exited"
    assert "left the workflow at 2027-01-15 08:00:00 (not now)" in story.why(step_id="never").answer


def test_a_step_that_was_held_repaired_and_skipped_as_it_was_late():
    strict = step("remind", "send_sms", lateness=Lateness(1))
    story = Story(workflow(WAIT, strict, step("end", "delay"))).created()
    story.hold_late_ms = 1
    story.timer(after_ms=DAY_MS + 7_200_000)
    assert story.stop("remind") == "paused"
    assert "it was held, as its step wait was 2 h late" in story.why(step_id="remind").answer
    story.on_enrollment(c.RepairEnrollment, how="run", step_id="wait", visit=1, by="ana", note="outage")
    assert story.told().turns[-1].words == "ana repaired it at step wait (run): outage"
    assert story.told().status == "active"
    assert story.stop("remind") == "skipped"
    assert "was skipped: late" in story.why(step_id="remind").answer


def test_a_step_that_the_version_does_not_have():
    story = Story(BRANCHING).created()
    assert story.stop("no") == "no_such_step"
    assert story.why(step_id="no").answer == "Version 1 has no step 'no'; it has wait, check, thank and remind."


def test_a_step_of_a_contact_who_was_not_enrolled():
    story = Story(on(Trigger("contact_created", conditions=FACEBOOK))).created()
    assert story.stop("wait") == "not_enrolled"
    assert story.why(step_id="wait").answer.startswith("Step wait was not done: ada was not enrolled in w")


# ---------------------------------------------------------------- one enrollment of several


def test_one_enrollment_can_be_asked_about():
    story = Story(on(Trigger("tag_added", {"tag": "vip"}), reentry="always")).created()
    for change in ("contact.tag_added", "contact.tag_removed", "contact.tag_added"):
        story.fact(change, {"tag": "vip"}, after_ms=1_000)
    first, second = story.why().enrollments
    assert "2 times, the last time at" in story.why().answer
    asked = story.why(enrollment_id=first.id)
    assert [one.id for one in asked.enrollments] == [first.id]
    assert [one.enrollment_id for one in asked.considered] == [first.id]
    assert second.cause_seq > first.cause_seq
    with pytest.raises(NoSuchEnrollment, match="has no enrollment nope"):
        story.why(enrollment_id="nope")


def test_every_fact_has_its_type():
    story = Story(workflow(step("mark", "add_tag", tag="vip"), WAIT)).created()
    facts = [one for one in story.journal if isinstance(one, j.ContactEventAccepted | j.ContactChanged)]
    assert [type_of(one) for one in facts] == ["contact.created", "contact.tag_added"]
