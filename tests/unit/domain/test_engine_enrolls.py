"""Enrolling: which facts fire triggers, what is a duplicate, re-entry, and enrolment by hand."""

import pytest

from domain import command as c
from domain.conditions import Comparison
from domain.workflow import Trigger
from tests.support.engine_spec import DAY_MS, Spec, entry, happened, step, workflow

WAIT = step("wait", "delay")
ACCEPTED = happened("contact_event_accepted")
STARTED = (happened("enrolled"), happened("timer_set"))


def on(trigger: Trigger, **fields):
    return workflow(WAIT, triggers=(trigger,), **fields)


def _update(field, value, **more):
    return "contact.field_updated", {"field": field, "value": value, **more}


def test_contact_created_fires_once_and_a_repeat_merges_silently():
    spec = Spec(on(Trigger("contact_created"), reentry="always"))
    spec.created().then(ACCEPTED, *STARTED)
    spec.created(email="ada@example.com").then(ACCEPTED)
    assert spec.state.contact.email == "ada@example.com"


def test_bare_contact_made_by_another_event_does_not_fire_contact_created():
    spec = Spec(on(Trigger("contact_created")))
    spec.fact("contact.tag_added", {"tag": "x"}).then(ACCEPTED)
    assert spec.state.contact.tags == ("x",)
    spec.created().then(ACCEPTED, *STARTED)


def test_initial_tags_and_fields_fire_nothing():
    spec = Spec(on(Trigger("tag_added", {"tag": "vip"})), on(Trigger("field_updated", {"field": "email"}), id="w2"))
    spec.created(tags=["vip"], email="a@example.com").then(ACCEPTED)


@pytest.mark.parametrize(
    ("trigger", "type", "data", "fires"),
    [
        (Trigger("tag_added", {"tag": "a"}), "contact.tag_added", {"tag": "a"}, True),
        (Trigger("tag_added", {"tag": "a"}), "contact.tag_added", {"tag": "b"}, False),
        (Trigger("tag_added", {}), "contact.tag_added", {"tag": "b"}, True),
        (Trigger("tag_added", {"tag": "had"}), "contact.tag_added", {"tag": "had"}, False),
        (Trigger("tag_removed", {"tag": "had"}), "contact.tag_removed", {"tag": "had"}, True),
        (Trigger("tag_removed", {"tag": "a"}), "contact.tag_removed", {"tag": "a"}, False),
        (Trigger("field_updated", {"field": "x"}), "contact.field_updated", {"field": "x", "value": 1}, True),
        (Trigger("field_updated", {"field": "x"}), "contact.field_updated", {"field": "x", "value": None}, False),
        (Trigger("field_updated", {"field": "email"}), "contact.field_updated", {"field": "x", "value": 1}, False),
        (Trigger("field_updated", {"field": "x", "to": 2}), "contact.field_updated", {"field": "x", "value": 1}, False),
        (
            Trigger("field_updated", {"field": "x", "to": 2}),
            "contact.field_updated",
            {"field": "x", "value": "2"},
            True,
        ),
        (Trigger("field_updated", {"field": "source", "from": "ad"}), *_update("source", "web"), True),
        (Trigger("field_updated", {"field": "source", "from": "tv"}), *_update("source", "web"), False),
        (Trigger("field_updated", {"field": "source", "from": "tv"}), *_update("source", "web", old_value="tv"), True),
        (Trigger("field_updated", {"field": "x", "from": None}), *_update("x", 1), True),
        (Trigger("sms_received", {}), "contact.sms_received", {"body": "x"}, True),
        (Trigger("sms_received", {"contains": "yes"}), "contact.sms_received", {"body": "oh yes!"}, True),
        (Trigger("sms_received", {"contains": "yes"}), "contact.sms_received", {"body": "no"}, False),
        (Trigger("sms_received", {"equals": "yes"}), "contact.sms_received", {"body": "yes"}, True),
        (Trigger("sms_received", {"matches": "^[0-9]+$"}), "contact.sms_received", {"body": "123"}, True),
        (Trigger("sms_received", {"matches": "^[0-9]+$"}), "contact.sms_received", {"body": "12a"}, False),
        (Trigger("event", {"name": "order.paid"}), "order.paid", {"total": 5}, True),
        (Trigger("event", {"name": "order.paid"}), "order.sent", {}, False),
        (Trigger("manual"), "manual", {}, False),
    ],
)
def test_trigger_filters(trigger, type, data, fires):
    spec = Spec(on(trigger)).created(tags=["had"], source="ad")
    spec.fact(type, data).then(ACCEPTED, *(STARTED if fires else ()))


def test_conditions_see_the_state_after_the_event_and_the_event_itself():
    rule = Comparison("tags", "contains", "vip")
    spec = Spec(on(Trigger("tag_added", {}, rule)))
    spec.fact("contact.tag_added", {"tag": "other"}).then(ACCEPTED)
    spec.fact("contact.tag_added", {"tag": "vip"}).then(ACCEPTED, *STARTED)
    paid = Spec(on(Trigger("event", {"name": "paid"}, Comparison("event.total", "greater_than", 10))))
    paid.fact("paid", {"total": 10}).then(ACCEPTED)
    paid.fact("paid", {"total": 11}).then(ACCEPTED, *STARTED)
    assert paid.last[1].personal.matched[0]["actual"] == 11


def test_several_triggers_of_one_workflow_enrol_once():
    both = (Trigger("tag_added", {"tag": "a"}), Trigger("tag_added", {}))
    Spec(workflow(WAIT, triggers=both, reentry="always")).fact("contact.tag_added", {"tag": "a"}).then(
        ACCEPTED, *STARTED
    )


def test_same_source_and_id_is_taken_once():
    spec = Spec(on(Trigger("event", {"name": "ping"}), reentry="always"))
    spec.fact("ping", id="1", source="crm").then(ACCEPTED, *STARTED)
    spec.fact("ping", id="1", source="crm").nothing()
    spec.fact("ping", id="1", source="shop").then(ACCEPTED, *STARTED)


def test_duplicate_that_came_through_the_api_has_its_own_result():
    spec = Spec().fact("ping", id="1", command_id="k1").then(ACCEPTED, happened("command_resulted", result="accepted"))
    spec.fact("ping", id="1", command_id="k2").then(happened("command_resulted", command_id="k2", result="duplicate"))
    spec.fact("ping", id="1", command_id="k2").nothing()


def test_identity_is_kept_for_thirty_days_of_journal_time():
    spec = Spec().fact("ping", id="1")
    spec.fact("tick", after_ms=29 * DAY_MS)
    spec.fact("ping", id="1").nothing()
    spec.fact("tick", after_ms=31 * DAY_MS).fact("tick", after_ms=31 * DAY_MS)
    spec.fact("ping", id="1").then(ACCEPTED)
    assert len(spec.state.seen) <= 4


def test_echo_of_our_own_change_is_recorded_and_never_applied():
    spec = Spec(workflow(step("tag", "add_tag", tag="lead"))).created()
    change = next(event for event in spec.last if event.__struct_config__.tag == "contact_changed")
    spec.fact("contact.tag_removed", {"tag": "lead"})
    spec.fact("contact.tag_added", {"tag": "lead"}, causation_id=change.id).then(
        happened("contact_event_accepted", applied=False)
    )
    assert spec.state.contact.tags == ()


def test_foreign_causation_id_is_an_ordinary_event():
    spec = Spec().created().fact("contact.tag_added", {"tag": "a"}, causation_id="their-own-id")
    assert spec.state.contact.tags == ("a",)


def test_input_from_before_the_first_start_builds_the_contact_and_fires_nothing():
    spec = Spec(on(Trigger("contact_created")))
    spec.fact("contact.created", {"contact": {"first_name": "Ada"}}, fires=False).then(ACCEPTED)
    assert spec.state.contact.first_name == "Ada"


def test_reentry_once_is_ever_and_in_any_version():
    trigger = Trigger("event", {"name": "ping"})
    first, second = on(trigger), on(trigger, version=2)
    spec = Spec(first).fact("ping").timer(after_ms=DAY_MS)
    spec.with_catalogue(entry(second, first))
    spec.fact("ping").then(ACCEPTED, happened("trigger_skipped", reason="reentry", version=2))


def test_reentry_after_exit_waits_until_none_is_open():
    spec = Spec(on(Trigger("event", {"name": "ping"}), reentry="after_exit")).fact("ping")
    spec.fact("ping").then(ACCEPTED, happened("trigger_skipped", reason="reentry"))
    spec.timer(after_ms=DAY_MS)
    spec.fact("ping").then(ACCEPTED, *STARTED)


def test_reentry_always_allows_several_at_once():
    spec = Spec(on(Trigger("event", {"name": "ping"}), reentry="always")).fact("ping").fact("ping")
    assert len(spec.state.enrollments) == 2


def test_paused_workflow_records_its_triggers_and_enrols_nobody():
    spec = Spec(entry(on(Trigger("contact_created")), status="paused"))
    spec.created().then(ACCEPTED, happened("trigger_skipped", reason="paused"))
    assert spec.state.history == {}


def test_archived_and_draft_workflows_hear_nothing():
    live = on(Trigger("contact_created"))
    Spec(entry(live, status="archived")).created().then(ACCEPTED)
    Spec(entry(live, status="draft", published=None)).created().then(ACCEPTED)


def test_enrolment_by_hand():
    spec = Spec(on(Trigger("manual"))).created()
    spec.command(c.EnrollContact, workflow_id="w").then(
        happened("command_resulted", result="accepted"), happened("enrolled", trigger_type="manual"), STARTED[1]
    )
    assert spec.last[0].enrollment_id == spec.last[1].enrollment_id
    spec.command(c.EnrollContact, workflow_id="w").then(happened("command_resulted", result="rejected", code="reentry"))


def test_enrolment_by_hand_is_refused_with_a_reason():
    live = on(Trigger("manual"))
    Spec(live).command(c.EnrollContact, workflow_id="w").then(happened("command_resulted", code="not_found"))
    spec = Spec(live).created()
    spec.command(c.EnrollContact, workflow_id="nope").then(happened("command_resulted", code="not_found"))
    spec.with_catalogue(entry(live, published=None, status="draft"))
    spec.command(c.EnrollContact, workflow_id="w").then(happened("command_resulted", code="not_published"))
    spec.with_catalogue(entry(live, status="archived"))
    spec.command(c.EnrollContact, workflow_id="w").then(happened("command_resulted", code="conflict"))


def test_repeated_command_is_taken_once():
    spec = Spec(on(Trigger("manual"), reentry="always")).created()
    spec.command(c.EnrollContact, workflow_id="w", command_id="k")
    spec.command(c.EnrollContact, workflow_id="w", command_id="k").nothing()


def test_command_for_an_unknown_contact_makes_no_contact():
    spec = Spec(on(Trigger("manual"))).command(c.EnrollContact, workflow_id="w")
    assert spec.state.contact.created_at_ms == 0


def test_condition_that_cannot_be_asked_enrols_nobody_and_the_fact_is_kept():
    rule = Comparison("first_name", "equals", "{{ 'x' | times: 'y' | divided_by: 0 }}")
    spec = Spec(on(Trigger("contact_created", {}, rule)), on(Trigger("contact_created"), id="w2"))
    spec.created().then(ACCEPTED, happened("incident_opened", code="template_error", workflow_id="w"), *STARTED)
