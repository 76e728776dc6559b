"""Running: linear workflows, branches, waits, contact changes, chained triggers, and the guards against loops."""

from domain import command as c
from domain.conditions import Comparison
from domain.decision import MAX_HOPS, MAX_STEPS_WITHOUT_WAIT, RATE_LIMIT
from domain.workflow import Trigger
from tests.support.engine_spec import DAY_MS, Spec, happened, step, workflow

TAGGED = (Trigger("tag_added", {"tag": "lead"}),)


def test_linear_workflow_runs_until_it_waits_and_then_to_its_end():
    spec = Spec(
        workflow(step("tag", "add_tag", tag="new"), step("wait", "delay"), step("bye", "remove_tag", tag="new"))
    )
    spec.created().then(
        happened("contact_event_accepted", event_type="contact.created"),
        happened("enrolled", version=1, trigger_type="contact_created", first_step="tag"),
        happened("contact_changed", change="contact.tag_added", data__tag="new"),
        happened("step_completed", step_id="tag", next_step="wait"),
        happened("timer_set", step_id="wait", due_at_ms=spec.now_ms + DAY_MS),
    )
    spec.timer(after_ms=DAY_MS).then(
        happened("step_completed", step_id="wait", next_step="bye"),
        happened("contact_changed", change="contact.tag_removed"),
        happened("step_completed", step_id="bye"),
        happened("enrollment_completed"),
    )
    assert spec.state.enrollments == {}


def test_timer_that_is_not_due_decides_nothing():
    spec = Spec(workflow(step("wait", "delay"))).created()
    spec.timer(after_ms=DAY_MS - 1).nothing()


def test_condition_takes_its_branch_and_records_what_it_saw():
    reply = Comparison("last_sms_reply", "exists")
    spec = Spec(
        workflow(
            step("wait", "delay"),
            step("check", "condition", test=reply, branches={"true": "yes", "false": "no"}),
            step("yes", "add_tag", tag="replied", next=None),
            step("no", "add_tag", tag="silent"),
        )
    )
    spec.created().fact("contact.sms_received", {"body": "hello"})
    spec.timer(after_ms=DAY_MS).then(
        happened("step_completed", step_id="wait"),
        happened("step_completed", step_id="check", branch="true", next_step="yes"),
        happened("contact_changed", data__tag="replied"),
        happened("step_completed", step_id="yes"),
        happened("enrollment_completed"),
    )
    (operand,) = spec.last[1].personal.input["conditions"]
    assert (operand["actual"], operand["result"]) == ("hello", True)


def test_last_sms_reply_leaves_out_messages_before_the_enrollment_and_the_triggering_one():
    reply = Comparison("last_sms_reply", "exists")
    test = step("check", "condition", test=reply, branches={"true": "yes", "false": None})
    spec = Spec(workflow(test, step("yes", "add_tag", tag="x"), triggers=(Trigger("sms_received"),)))
    spec.created().fact("contact.sms_received", {"body": "first"})
    assert spec.last[2].branch == "false"
    assert spec.state.last_sms_reply == "first"


def test_missing_branch_follows_next():
    test = step("check", "condition", test=Comparison("phone", "exists"), branches={"false": None})
    spec = Spec(workflow(test, step("on", "add_tag", tag="x"))).created()
    assert [event.step_id for event in spec.last if hasattr(event, "next_step")] == ["check", "on"]


def test_ab_split_keeps_a_contact_on_its_arm():
    def run():
        split = step("split", "ab_split", branches={"a": "left", "b": "right"})
        spec = Spec(workflow(split, step("left", "exit", reason="a"), step("right", "exit", reason="b")))
        return spec.created().last

    first, second = run(), run()
    assert first == second
    assert first[2].branch in ("a", "b")
    assert first[-1].reason == first[2].branch


def test_exit_ends_as_exited():
    Spec(workflow(step("leave", "exit", reason="done"))).created().then(
        happened("contact_event_accepted"),
        happened("enrolled"),
        happened("step_completed", step_id="leave"),
        happened("enrollment_exited", reason="done"),
    )


def test_update_field_renders_and_an_equal_value_changes_nothing():
    spec = Spec(
        workflow(
            step("set", "update_field", field="greeting", value="Hi {{first_name}}"),
            step("same", "update_field", field="greeting", value="Hi Ada"),
        )
    ).created()
    spec.then(
        happened("contact_event_accepted"),
        happened("enrolled"),
        happened("contact_changed", data__field="greeting", data__value="Hi Ada"),
        happened("step_completed", output__changed=True),
        happened("step_completed", output__changed=False),
        happened("enrollment_completed"),
    )


def test_change_by_a_step_starts_other_workflows_with_one_more_hop():
    first = workflow(step("tag", "add_tag", tag="lead"), id="first")
    second = workflow(step("wait", "delay"), id="second", triggers=TAGGED)
    spec = Spec(first, second).created()
    enrolled = [event for event in spec.last if event.__struct_config__.tag == "enrolled"]
    assert [(event.workflow_id, event.hops) for event in enrolled] == [("first", 0), ("second", 1)]
    assert spec.enrollment("second").event["data"] == {"tag": "lead"}


def test_chain_of_changes_stops_at_the_hop_limit_as_an_incident():
    ping = workflow(
        step("off", "remove_tag", tag="pong"),
        step("on", "add_tag", tag="ping"),
        id="ping",
        triggers=(Trigger("tag_added", {"tag": "pong"}),),
        reentry="always",
    )
    pong = workflow(
        step("off", "remove_tag", tag="ping"),
        step("on", "add_tag", tag="pong"),
        id="pong",
        triggers=(Trigger("tag_added", {"tag": "ping"}),),
        reentry="always",
    )
    spec = Spec(ping, pong).fact("contact.tag_added", {"tag": "ping"})
    kinds = [event.__struct_config__.tag for event in spec.last]
    assert kinds.count("enrolled") == MAX_HOPS + 1
    skipped = [event for event in spec.last if event.__struct_config__.tag == "trigger_skipped"]
    assert [event.reason for event in skipped] == ["hop_limit"]
    assert [event.code for event in spec.last if event.__struct_config__.tag == "incident_opened"] == ["hop_limit"]


def test_event_that_arrives_with_too_many_hops_enrols_nobody():
    spec = Spec(workflow(step("wait", "delay"), triggers=TAGGED))
    spec.fact("contact.tag_added", {"tag": "lead"}, hops=MAX_HOPS + 1).then(
        happened("contact_event_accepted"),
        happened("trigger_skipped", reason="hop_limit"),
        happened("incident_opened", code="hop_limit"),
    )


def test_rate_guard_stops_a_contact_that_is_enrolled_too_often_and_says_so_once():
    spec = Spec(
        workflow(step("tag", "add_tag", tag="x"), triggers=(Trigger("event", {"name": "ping"}),), reentry="always")
    )
    for _ in range(RATE_LIMIT):
        spec.fact("ping", after_ms=10)
    spec.fact("ping").then(
        happened("contact_event_accepted"),
        happened("trigger_skipped", reason="rate_guard"),
        happened("incident_opened", code="rate_guard"),
    )
    spec.fact("ping").then(happened("contact_event_accepted"), happened("trigger_skipped", reason="rate_guard"))
    spec.fact("ping", after_ms=3_600_000)
    assert "enrolled" in [event.__struct_config__.tag for event in spec.last]


def test_cycle_without_a_wait_is_an_incident_not_a_hang():
    spec = Spec(workflow(step("a", "add_tag", tag="x"), step("b", "remove_tag", tag="x", next="a"))).created()
    assert spec.last[-1].code == "step_guard"
    assert spec.enrollment().status == "failed"
    completed = [event for event in spec.last if event.__struct_config__.tag == "step_completed"]
    assert len(completed) == MAX_STEPS_WITHOUT_WAIT
    assert completed[-1].visit == MAX_STEPS_WITHOUT_WAIT // 2


def test_cycle_with_a_wait_goes_on_for_ever():
    spec = Spec(workflow(step("a", "delay"), step("b", "add_tag", tag="x", next="a"))).created()
    for _ in range(2 * MAX_STEPS_WITHOUT_WAIT):
        spec.timer(after_ms=DAY_MS)
    assert spec.enrollment().status == "active"
    assert spec.enrollment().visits["a"] == 2 * MAX_STEPS_WITHOUT_WAIT + 1


def test_step_without_the_data_it_needs_is_an_incident_that_names_it():
    spec = Spec(workflow(step("hi", "send_sms"))).fact("contact.created", {"contact": {}})
    spec.then(
        happened("contact_event_accepted"),
        happened("enrolled"),
        happened("step_failed", code="no_phone", step_id="hi"),
        happened("incident_opened", code="no_phone", step_id="hi"),
    )
    spec.fact("contact.field_updated", {"field": "phone", "value": "+1999"})
    spec.on_enrollment(c.RetryEnrollment).then(
        happened("command_resulted", result="accepted"),
        happened("incident_resolved", resolution="again"),
        happened("enrollment_retried", how="again"),
        happened("action_requested", visit=2, request__to="+1999"),
    )


def test_on_failure_continue_exit_and_step():
    for on_failure, expected in {
        "continue": ("step_completed", "enrollment_completed"),
        "after": ("step_completed", "enrollment_completed"),
        "exit": ("enrollment_exited",),
    }.items():
        spec = Spec(workflow(step("hi", "send_sms", on_failure=on_failure), step("after", "add_tag", tag="lead")))
        spec.fact("contact.created", {"contact": {"tags": ["lead"]}}).then(
            happened("contact_event_accepted"),
            happened("enrolled"),
            happened("step_failed", goes_on=True if on_failure != "exit" else None),
            *[happened(kind) for kind in expected],
        )
