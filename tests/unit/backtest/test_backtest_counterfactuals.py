"""What a candidate would have done where it does not do what really happened."""

from domain import command as c
from domain import journal as j
from domain.backtest.happened import report_of
from domain.catalogue import Catalogue
from domain.conditions import Comparison
from domain.ids import action_key
from domain.steps.wait_for_event import AwaitedDelivery
from domain.workflow import Retry, Trigger
from tests.support.backtests import backtest, backtest_spec, paths_of
from tests.support.engine_spec import CONTACT, DAY_MS, START_MS, Spec, entry, step, workflow

HOUR_MS = 3_600_000
LIVE = workflow(step("wait", "delay"), step("sms", "send_sms"))


def welcomed() -> Spec:
    """Enrolled, waited a day, was sent an SMS, which succeeded a second later."""
    spec = Spec(LIVE).created().timer(after_ms=DAY_MS).started()
    return spec.outcome("succeeded", after_ms=1_000, provider_id="SM1")


def routes(paths):
    return [[(visit.step_id, visit.branch or visit.status) for visit in path.visits] for path in paths]


# ---------------------------------------------------------------- time


def test_a_timer_that_really_fired_fires_when_it_did_though_it_was_late():
    spec = Spec(LIVE).created().timer(after_ms=DAY_MS + HOUR_MS).started().outcome("succeeded")

    (path,) = backtest_spec(spec, LIVE).paths

    assert path.visits[0].done_ms == START_MS + DAY_MS + HOUR_MS


def test_another_timer_fires_when_it_is_due():
    sooner = workflow(step("wait", "delay", seconds=3_600), step("sms", "send_sms"))

    (path,) = backtest_spec(welcomed(), sooner).paths

    assert path.visits[0].done_ms == START_MS + HOUR_MS
    assert path.end == "completed"


def test_what_is_due_after_the_window_still_waits():
    later = workflow(step("wait", "delay", seconds=10 * 86_400), step("sms", "send_sms"))

    (path,) = backtest_spec(welcomed(), later, until_ms=START_MS + 9 * DAY_MS).paths

    assert (path.end, routes([path])) == ("waiting", [[("wait", "waiting")]])


def test_a_fact_comes_before_a_timer_that_is_due_at_the_same_time():
    check = step("check", "condition", test=Comparison("last_sms_reply", "exists"))
    candidate = workflow(step("wait", "delay", seconds=60), check)
    at_once = Spec(LIVE).created().fact("contact.sms_received", {"body": "yes"}, after_ms=60_000)
    too_late = Spec(LIVE).created().fact("contact.sms_received", {"body": "yes"}, after_ms=60_001)

    assert routes(backtest_spec(at_once, candidate).paths) == [[("wait", "completed"), ("check", "true")]]
    assert routes(backtest_spec(too_late, candidate).paths) == [[("wait", "completed"), ("check", "false")]]


def test_a_circle_of_waits_is_left_at_last():
    circle = workflow(step("wait", "delay", seconds=1, next="wait"))

    (path,) = backtest_spec(Spec(LIVE).created(), circle, until_ms=START_MS + 365 * DAY_MS).paths

    assert (path.end, len(path.visits)) == ("waiting", 10_000)


# ---------------------------------------------------------------- outcomes


def test_an_action_that_never_really_happened_is_taken_to_succeed_or_as_is_asked():
    two = workflow(step("wait", "delay"), step("sms", "send_sms"), step("mail", "send_email", to="a@example.test"))

    (succeeds,) = backtest_spec(welcomed(), two).paths
    (fails,) = backtest_spec(welcomed(), two, assumed="fail").paths

    assert [visit.outcome for visit in succeeds.visits] == [None, "succeeded", "succeeded"]
    assert [visit.outcome for visit in fails.visits] == [None, "succeeded", "failed"]
    assert (succeeds.end, fails.end, fails.reason) == ("completed", "failed", "assumed")


def refused() -> Spec:
    return Spec(LIVE).created().timer(after_ms=DAY_MS).started().outcome("failed", after_ms=1_000, code="twilio_30007")


def test_the_same_action_later_comes_to_what_it_came_to():
    later = workflow(step("wait", "delay", seconds=2 * 86_400), step("sms", "send_sms", on_failure="continue"))

    (path,) = backtest_spec(refused(), later, until_ms=START_MS + 3 * DAY_MS).paths

    assert path.visits[1].at_ms == START_MS + 2 * DAY_MS
    assert (path.visits[1].outcome, path.visits[1].code, path.end) == ("failed", "twilio_30007", "completed")


def test_the_same_action_sooner_comes_to_what_was_known_beforehand():
    sooner = workflow(step("wait", "delay", seconds=3_600), step("sms", "send_sms"))
    known = next(event for event in refused().journal if isinstance(event, j.AttemptFailed))
    (path,) = backtest_spec(refused(), sooner, outcomes={(known.action_key, "sms"): report_of(known)}).paths

    assert (path.visits[1].at_ms, path.visits[1].outcome) == (START_MS + HOUR_MS, "failed")


def test_a_step_that_sends_otherwise_is_another_action():
    mail = workflow(step("wait", "delay"), step("sms", "send_email", to="a@example.test"))

    (path,) = backtest_spec(refused(), mail).paths

    assert (path.visits[1].channel, path.visits[1].outcome) == ("email", "succeeded")


def test_more_retries_are_made_when_they_are_due():
    once = workflow(step("sms", "send_sms", retry=Retry(max_attempts=1)))
    twice = workflow(step("sms", "send_sms", retry=Retry(max_attempts=2)))
    spec = Spec(once).created().started().outcome("failed", code="busy", retryable=True)

    found = backtest_spec(spec, twice, until_ms=START_MS + HOUR_MS)

    kinds = [type(event).__name__ for event in found.simulated]
    assert kinds.count("AttemptStarted") == 2
    assert found.paths[0].end == "failed", "the action failed when it really happened"


# ---------------------------------------------------------------- who is enrolled


def test_facts_enrol_whom_the_candidate_asks_for():
    candidate = workflow(step("sms", "send_sms"), triggers=(Trigger("tag_added", {"tag": "vip"}),))
    spec = welcomed().fact("contact.tag_added", {"tag": "vip"}).fact("contact.tag_added", {"tag": "vip"})

    (path,) = backtest_spec(spec, candidate).paths

    assert path.trigger_type == "tag_added"


def test_a_new_workflow_takes_nobodys_place():
    new = workflow(step("sms", "send_sms"), id="new", triggers=(Trigger("sms_received"),))
    spec = welcomed().fact("contact.sms_received", {"body": "hi"})

    found = backtest_spec(spec, new)

    assert (routes(found.paths), found.real) == ([[("sms", "completed")]], [])


def test_who_was_enrolled_before_the_window_counts_for_the_reentry_rule_and_is_not_simulated():
    spec = welcomed()
    again = workflow(step("sms", "send_sms"), triggers=(Trigger("sms_received"),))
    spec.fact("contact.sms_received", {"body": "hi"}, after_ms=1)

    found = backtest_spec(spec, again, since_ms=spec.now_ms)

    assert found.paths == []
    assert [event.reason for event in found.simulated if isinstance(event, j.TriggerSkipped)] == ["reentry"]


def test_one_that_stood_open_at_the_start_goes_on_as_it_did():
    tagged = workflow(step("wait", "delay"), step("tag", "add_tag", tag="old"), reentry="after_exit")
    spec = Spec(tagged).created()
    spec.fact("contact.sms_received", {"body": "1"}, after_ms=HOUR_MS)
    spec.timer(after_ms=DAY_MS).fact("contact.sms_received", {"body": "2"}, after_ms=HOUR_MS)
    tags = step("tags", "condition", test=Comparison("tags", "contains", "old"))
    candidate = workflow(tags, triggers=(Trigger("sms_received"),), reentry="after_exit")

    found = backtest_spec(spec, candidate, since_ms=START_MS + 1)

    assert routes(found.paths) == [[("tags", "true")]], "its change stands, and only when it had ended one could enter"


def test_a_paused_workflow_enrols_nobody_and_stands_still():
    spec = Spec(LIVE).created()
    paused = entry(LIVE, status="paused", paused_at_ms=START_MS + HOUR_MS)
    resumed = entry(LIVE, resumed_at_ms=START_MS + 3 * HOUR_MS)
    sooner = workflow(step("wait", "delay", seconds=2 * 3_600), step("sms", "send_sms"))
    happened = [
        ("advanced", Catalogue(entries=spec.entries), 0),
        list(spec.journal),
        ("advanced", Catalogue(entries={"w": paused}), START_MS + HOUR_MS),
        ("reconciled", Catalogue(), START_MS + HOUR_MS),
        ("advanced", Catalogue(entries={"w": resumed}), START_MS + 3 * HOUR_MS),
        ("reconciled", Catalogue(), START_MS + 3 * HOUR_MS),
    ]

    (path,) = backtest(happened, sooner, until_ms=START_MS + DAY_MS).paths

    assert path.visits[0].done_ms == START_MS + 4 * HOUR_MS


# ---------------------------------------------------------------- changes


def test_changes_of_the_tested_workflow_are_simulated_not_replayed():
    live = workflow(step("tag", "add_tag", tag="old"), step("wait", "delay", seconds=60))
    spec = Spec(live).created().timer(after_ms=60_000)
    candidate = workflow(
        step("tag", "add_tag", tag="new"),
        step("old", "condition", test=Comparison("tags", "contains", "old"), branches={"true": None}),
        step("new", "condition", test=Comparison("tags", "contains", "new")),
    )

    assert routes(backtest_spec(spec, candidate).paths) == [
        [("tag", "completed"), ("old", "false"), ("new", "true")],
    ]


def test_what_they_started_in_other_workflows_goes_with_them():
    tag_old = workflow(step("tag", "add_tag", tag="old"))
    follows = workflow(
        step("mark", "update_field", field="mark", value="followed"),
        id="follows",
        triggers=(Trigger("tag_added", {"tag": "old"}),),
    )
    spec = Spec(tag_old, follows).created().fact("contact.sms_received", {"body": "hi"}, after_ms=1)
    marked = step("marked", "condition", test=Comparison("mark", "exists"))
    candidate = workflow(step("wait", "delay", seconds=0.001), marked)

    assert routes(backtest_spec(spec, candidate).paths) == [[("wait", "completed"), ("marked", "false")]]


def test_what_they_start_in_other_workflows_is_simulated():
    nothing = workflow(step("wait", "delay", seconds=1))
    follows = workflow(step("sms", "send_sms"), id="follows", triggers=(Trigger("tag_added", {"tag": "new"}),))
    candidate = workflow(step("tag", "add_tag", tag="new"))

    found = backtest_spec(Spec(nothing, follows).created(), candidate)

    assert {path.workflow_id: path.end for path in found.paths} == {"w": "completed", "follows": "completed"}


def test_other_workflows_changes_are_facts():
    other = workflow(step("tag", "add_tag", tag="vip"), id="other")
    candidate = workflow(step("sms", "send_sms"), triggers=(Trigger("tag_added", {"tag": "vip"}),))

    assert routes(backtest_spec(Spec(LIVE, other).created(), candidate).paths) == [[("sms", "completed")]]


def test_an_echo_of_a_change_is_no_fact():
    spec = welcomed().fact("contact.tag_added", {"tag": "vip"}, causation_id=f"{CONTACT}/1")
    candidate = workflow(step("sms", "send_sms"), triggers=(Trigger("tag_added", {"tag": "vip"}),))

    assert backtest_spec(spec, candidate).paths == []


# ---------------------------------------------------------------- consent


def test_an_opt_out_that_was_only_learned_of_its_own_message_is_not_known_without_it():
    spec = Spec(LIVE).created().timer(after_ms=DAY_MS).started().outcome("failed", code="twilio_21610")
    spec.fact("contact.tag_added", {"tag": "vip"}, after_ms=1)
    candidate = workflow(step("sms", "send_sms"), triggers=(Trigger("tag_added", {"tag": "vip"}),))

    assert routes(backtest_spec(spec, candidate).paths) == [[("sms", "completed")]]


def test_a_stop_word_counts_though_it_told_nothing_new_then():
    """The journal holds no change of consent for it: the number was known to be opted out."""
    spec = Spec(LIVE).created().timer(after_ms=DAY_MS).started().outcome("failed", code="twilio_21610")
    spec.fact("contact.sms_received", {"body": "STOP"}, after_ms=1).fact(
        "contact.tag_added", {"tag": "vip"}, after_ms=1
    )
    later = workflow(step("sms", "send_sms"), triggers=(Trigger("tag_added", {"tag": "vip"}),))

    (path,) = backtest_spec(spec, later).paths

    assert (path.visits[0].status, path.visits[0].code) == ("skipped", "opted_out")


def test_an_opt_out_by_an_operator_is_a_fact():
    spec = welcomed()
    spec.command(c.ChangeConsent, channel="sms", address="+1555", allowed=False, reason="asked")
    spec.fact("contact.tag_added", {"tag": "vip"}, after_ms=1)
    candidate = workflow(step("sms", "send_sms"), triggers=(Trigger("tag_added", {"tag": "vip"}),))

    assert routes(backtest_spec(spec, candidate).paths) == [[("sms", "skipped")]]


# ---------------------------------------------------------------- paths


def test_real_and_simulated_paths_look_the_same():
    found = backtest_spec(welcomed(), LIVE)

    assert paths_of(found.simulated) == paths_of(found.real)


# ---------------------------------------------------------------- waits for events

REPLY = Trigger("sms_received")
MAIL = step("mail", "send_email", to="a@example.test")
WAITING = workflow(
    MAIL,
    step("answer", "wait_for_event", REPLY, seconds=86_400, branches={"received": None, "timeout": "remind"}),
    step("remind", "send_sms"),
)


def answered() -> Spec:
    """An e-mail that was opened after a minute, and a reply after an hour."""
    spec = Spec(WAITING).created().started().outcome("succeeded", provider_id="SG1")
    one = spec.enrollment()
    about = {"enrollment_id": one.id, "step_id": "mail", "visit": 1, "action_key": action_key(one.id, "mail", 1)}
    spec.command(c.ReportDelivery, **about, channel="email", status="opened", after_ms=60_000)
    return spec.fact("contact.sms_received", {"body": "no"}, after_ms=HOUR_MS - 60_000)


def test_a_wait_hears_what_came_when_it_came():
    (path,) = backtest_spec(answered(), WAITING).paths

    assert routes([path]) == [[("mail", "completed"), ("answer", "received")]]
    assert path.visits[1].done_ms == START_MS + HOUR_MS


def test_a_wait_for_something_else_takes_its_own_time_out():
    yes = Trigger("sms_received", {"contains": "yes"})
    answer = step("answer", "wait_for_event", yes, seconds=7_200, branches={"received": None, "timeout": "remind"})
    candidate = workflow(MAIL, answer, step("remind", "send_sms"))

    (path,) = backtest_spec(answered(), candidate, until_ms=START_MS + DAY_MS).paths

    assert routes([path]) == [[("mail", "completed"), ("answer", "timeout"), ("remind", "completed")]]
    assert path.visits[1].done_ms == START_MS + 2 * HOUR_MS


def test_a_wait_that_the_version_that_ran_had_not_hears_what_was_reported():
    opened = step("opened", "wait_for_event", AwaitedDelivery(step="mail", statuses=("opened",)), seconds=86_400)
    candidate = workflow(MAIL, opened, step("thank", "send_sms"))

    (path,) = backtest_spec(answered(), candidate).paths

    assert [visit.step_id for visit in path.visits] == ["mail", "opened", "thank"]
    assert path.visits[1].done_ms == START_MS + 60_000
