"""DESIGN 5.2, triggers: which facts enrol a contact, and which of them only those that pass a filter or a condition."""

import pytest

from tests.support.headrace import fresh, step

MARK = step("mark", "add_tag", tag="marked")


def created(contact):
    return ("contact.created", {"contact": contact})


def tagged(tag):
    return ("contact.tag_added", {"tag": tag})


def untagged(tag):
    return ("contact.tag_removed", {"tag": tag})


def sms(body):
    return ("contact.sms_received", {"body": body})


def field(name, value, **more):
    return ("contact.field_updated", {"field": name, "value": value, **more})


CASES = {
    "contact_created fires on the first created": ({"type": "contact_created"}, [created({})], 1),
    "contact_created fires once": ({"type": "contact_created"}, [created({}), created({})], 1),
    "tag_added fires for its tag": ({"type": "tag_added", "config": {"tag": "T"}}, [tagged("T")], 1),
    "tag_added fires for no other tag": ({"type": "tag_added", "config": {"tag": "T"}}, [tagged("t"), tagged("U")], 0),
    "tag_added fires only on a change": ({"type": "tag_added", "config": {"tag": "T"}}, [tagged("T"), tagged("T")], 1),
    "tag_added fires again after a removal": (
        {"type": "tag_added", "config": {"tag": "T"}},
        [tagged("T"), untagged("T"), tagged("T")],
        2,
    ),
    "initial tags fire nothing": ({"type": "tag_added", "config": {"tag": "T"}}, [created({"tags": ["T"]})], 0),
    "tag_removed fires for its tag": (
        {"type": "tag_removed", "config": {"tag": "T"}},
        [tagged("T"), tagged("U"), untagged("U"), untagged("T")],
        1,
    ),
    "tag_removed of an absent tag fires nothing": ({"type": "tag_removed", "config": {"tag": "T"}}, [untagged("T")], 0),
    "sms_received fires on every SMS": ({"type": "sms_received"}, [sms("a"), sms("")], 2),
    "sms_received contains": (
        {"type": "sms_received", "config": {"contains": "yes"}},
        [sms("oh yes!"), sms("YES"), sms("no")],
        1,
    ),
    "sms_received equals": ({"type": "sms_received", "config": {"equals": "yes"}}, [sms("yes"), sms("yes!")], 1),
    "sms_received matches": (
        {"type": "sms_received", "config": {"matches": "(?i)^yes|no$"}},
        [sms("YES"), sms("oh NO"), sms("maybe yes ")],
        2,
    ),
    "field_updated fires for its field": (
        {"type": "field_updated", "config": {"field": "plan"}},
        [field("plan", "a"), field("plan", "b"), field("other", "b")],
        2,
    ),
    "field_updated fires only on a change": (
        {"type": "field_updated", "config": {"field": "email"}},
        [field("email", "a@b.c"), field("email", "a@b.c")],
        1,
    ),
    "field_updated to": (
        {"type": "field_updated", "config": {"field": "plan", "to": "gold"}},
        [field("plan", "silver"), field("plan", "gold")],
        1,
    ),
    "field_updated from, by what the contact had": (
        {"type": "field_updated", "config": {"field": "plan", "from": "silver"}},
        [field("plan", "silver"), field("plan", "gold"), field("plan", "lead")],
        1,
    ),
    "field_updated from and to": (
        {"type": "field_updated", "config": {"field": "plan", "from": "silver", "to": "gold"}},
        [field("plan", "silver"), field("plan", "lead"), field("plan", "silver"), field("plan", "gold")],
        1,
    ),
    "field_updated from, by what the event says": (
        {"type": "field_updated", "config": {"field": "plan", "from": "bronze"}},
        [field("plan", "silver", old_value="bronze")],
        1,
    ),
    "field_updated to a number, given as text": (
        {"type": "field_updated", "config": {"field": "score", "to": 5}},
        [field("score", 4), field("score", "5")],
        1,
    ),
    "field_updated from nothing": (
        {"type": "field_updated", "config": {"field": "plan", "from": None}},
        [field("plan", "silver"), field("plan", "gold")],
        1,
    ),
    "initial fields fire nothing": (
        {"type": "field_updated", "config": {"field": "plan"}},
        [created({"custom_fields": {"plan": "a"}, "email": "a@b.c"})],
        0,
    ),
    "event fires for its name": ({"type": "event", "config": {"name": "order.paid"}}, [("order.paid", {"n": 1})], 1),
    "event fires for no other name": ({"type": "event", "config": {"name": "order.paid"}}, [("order.pai", {})], 0),
    "manual fires on no fact": ({"type": "manual"}, [created({}), tagged("T"), sms("x"), ("order.paid", {})], 0),
}


@pytest.mark.parametrize("case", CASES)
def test_trigger(headrace, case):
    trigger, facts, expected = CASES[case]
    contact_id = fresh("trigger")
    here = {"field": "id", "operator": "equals", "value": contact_id}
    workflow = headrace.workflow(MARK, trigger=trigger | {"conditions": [here]}, reentry="always")
    for type, data in facts:
        headrace.send(contact_id, type, data)
    assert len(headrace.enrollments(workflow)) == expected


def test_conditions_see_the_state_after_the_event(headrace):
    conditions = [
        {"field": "tags", "operator": "contains", "value": "late"},
        {"field": "event.tag", "operator": "equals", "value": "late"},
        {"field": "event.type", "operator": "equals", "value": "contact.tag_added"},
        {"field": "event.data.tag", "operator": "equals", "value": "late"},
        {
            "any": [
                {"field": "first_name", "operator": "equals", "value": "Ada"},
                {"not": {"field": "x", "operator": "not_exists"}},
            ]
        },
    ]
    workflow = headrace.workflow(
        MARK, trigger={"type": "tag_added", "config": {"tag": "late"}, "conditions": conditions}
    )
    ada, bob = headrace.contact(), headrace.contact(first_name="Bob")
    for contact_id in (ada, bob):
        headrace.send(contact_id, "contact.tag_added", {"tag": "late"})
    assert [one["contact_id"] for one in headrace.enrollments(workflow)] == [ada]


def test_several_triggers_each_enrol_and_one_event_enrols_once(headrace):
    tag, name = fresh("tag"), fresh("event")
    workflow = headrace.workflow(
        MARK,
        triggers=[
            {"type": "tag_added", "config": {"tag": tag}},
            {"type": "event", "config": {"name": name}},
            {"type": "event", "config": {"name": name}, "conditions": []},
            {
                "type": "event",
                "config": {"name": "contact.tag_added"},
                "conditions": [{"field": "event.tag", "operator": "equals", "value": tag}],
            },
        ],
        reentry="always",
    )
    contact_id = headrace.contact()
    headrace.send(contact_id, "contact.tag_added", {"tag": tag})
    assert len(headrace.enrollments(workflow)) == 1
    headrace.send(contact_id, name, {})
    assert len(headrace.enrollments(workflow)) == 2


def test_a_steps_change_triggers_other_workflows(headrace):
    tag, field_name = fresh("chained"), fresh("field")
    first = headrace.workflow(step("t", "add_tag", tag=tag), step("f", "update_field", field=field_name, value="on"))
    by_tag = headrace.workflow(MARK, trigger={"type": "tag_added", "config": {"tag": tag}})
    by_field = headrace.workflow(MARK, trigger={"type": "field_updated", "config": {"field": field_name, "to": "on"}})
    contact_id = headrace.contact()
    headrace.run(first, contact_id)
    for workflow in (by_tag, by_field):
        (one,) = headrace.enrollments(workflow)
        assert headrace.until(one["id"], "completed")["contact_id"] == contact_id


def test_a_loop_of_changes_is_stopped_as_an_incident(headrace):
    tags = [fresh("ping"), fresh("pong")]
    for here, there in (tags, reversed(tags)):
        headrace.workflow(
            step("away", "remove_tag", tag=here),
            step("there", "add_tag", tag=there),
            trigger={"type": "tag_added", "config": {"tag": here}},
            reentry="always",
        )
    contact_id = headrace.contact()
    headrace.send(contact_id, "contact.tag_added", {"tag": tags[0]})
    found = [one for one in headrace.get("/incidents?limit=500")["items"] if one["contact_id"] == contact_id]
    assert [one["code"] for one in found] == ["hop_limit"]
    assert found[0]["enrollment_id"] is None
    assert (
        len([one for one in headrace.timeline(contact_id) if one["type"] == "enrolled"]) == 17
    )  # the first, and 16 hops


@pytest.mark.parametrize(
    ("reentry", "while_open", "after_the_end"),
    [("once", False, False), ("after_exit", False, True), ("always", True, True)],
)
def test_reentry_by_events_and_by_hand(headrace, reentry, while_open, after_the_end):
    name, other = fresh("again"), fresh("again")
    workflow = headrace.workflow(
        step("wait", "delay", duration=1, unit="days"),
        triggers=[{"type": "event", "config": {"name": name}}, {"type": "event", "config": {"name": other}}],
        reentry=reentry,
    )
    contact_id = headrace.contact()

    def count():
        return len(headrace.enrollments(workflow, contact_id))

    headrace.send(contact_id, name, {})
    assert count() == 1
    headrace.send(contact_id, other, {})
    assert count() == 1 + while_open
    by_hand = headrace.post(
        f"/workflows/{workflow['id']}/enrollments", {"contact_id": contact_id}, expect=201 if while_open else 409
    )
    assert by_hand.get("code") == (None if while_open else "reentry")
    assert count() == 1 + 2 * while_open
    for one in headrace.enrollments(workflow):
        headrace.post(f"/enrollments/{one['id']}/cancel")
    before = count()
    headrace.send(contact_id, name, {})
    assert count() == before + after_the_end


def test_once_holds_for_all_versions(headrace):
    name = fresh("event")
    document = {"name": fresh("once"), "trigger": {"type": "event", "config": {"name": name}}, "steps": [MARK]}
    workflow = headrace.publish(document)
    contact_id = headrace.contact()
    headrace.send(contact_id, name, {})
    headrace.upload(f"/workflows/{workflow['id']}/import", document | {"steps": [MARK, step("more", "exit")]})
    headrace.post(f"/workflows/{workflow['id']}/publish")
    headrace.send(contact_id, name, {})
    assert [one["version"] for one in headrace.enrollments(workflow)] == [1]
