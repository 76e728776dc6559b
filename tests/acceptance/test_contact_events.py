"""DESIGN 5.1, contact events in: what each type does to a contact, what is ignored, and what is refused."""

import pytest

from tests.support.headrace import fresh, step

PERSON = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "+15550001111",
    "source": "facebook_ad",
    "timezone": "Europe/London",
    "tags": ["vip", "new"],
    "custom_fields": {"score": 7, "plan": {"name": "gold"}},
}
NOBODY = dict.fromkeys(("first_name", "last_name", "email", "phone", "source", "timezone"))


def known(headrace, contact_id):
    """What is known of a contact, without the times."""
    contact = headrace.get(f"/contacts/{contact_id}")
    return {key: value for key, value in contact.items() if key not in ("id", "created_at", "updated_at")}


def test_contact_created_sets_every_attribute(headrace):
    contact_id = fresh("ada")
    answer = headrace.send(contact_id, "contact.created", {"contact": PERSON})
    assert answer["result"] == "accepted"
    assert known(headrace, contact_id) == PERSON


@pytest.mark.parametrize("data", [{}, {"contact": {}}, {"contact": None}])
def test_all_of_contact_created_is_optional(headrace, data):
    contact_id = fresh("nobody")
    headrace.send(contact_id, "contact.created", data)
    assert known(headrace, contact_id) == NOBODY | {"tags": [], "custom_fields": {}}


def test_repeated_created_merges_silently(headrace):
    workflow = headrace.workflow(
        step("t", "add_tag", tag="welcomed"),
        trigger={
            "type": "contact_created",
            "conditions": [{"field": "source", "operator": "equals", "value": "merge"}],
        },
        reentry="always",
    )
    contact_id = fresh("merge")
    headrace.send(contact_id, "contact.created", {"contact": {"first_name": "Ada", "source": "merge", "tags": ["a"]}})
    headrace.send(
        contact_id, "contact.created", {"contact": {"last_name": "L", "tags": ["b"], "custom_fields": {"x": 1}}}
    )
    assert known(headrace, contact_id) == NOBODY | {
        "first_name": "Ada",
        "last_name": "L",
        "source": "merge",
        "tags": ["a", "welcomed", "b"],
        "custom_fields": {"x": 1},
    }
    assert len(headrace.enrollments(workflow)) == 1


def test_field_updated_sets_attributes_and_custom_fields(headrace):
    contact_id = headrace.contact()
    headrace.send(contact_id, "contact.field_updated", {"field": "email", "value": "new@example.com", "old_value": "x"})
    headrace.send(contact_id, "contact.field_updated", {"field": "score", "value": 7})
    headrace.send(contact_id, "contact.field_updated", {"field": "phone", "value": None})
    contact = headrace.get(f"/contacts/{contact_id}")
    assert (contact["email"], contact["phone"], contact["custom_fields"]) == ("new@example.com", None, {"score": 7})


def test_tags_come_and_go_in_order(headrace):
    contact_id = headrace.contact()
    for tag in ("a", "b", "a"):
        headrace.send(contact_id, "contact.tag_added", {"tag": tag})
    assert headrace.get(f"/contacts/{contact_id}")["tags"] == ["a", "b"]
    headrace.send(contact_id, "contact.tag_removed", {"tag": "a"})
    headrace.send(contact_id, "contact.tag_removed", {"tag": "never"})
    assert headrace.get(f"/contacts/{contact_id}")["tags"] == ["b"]


def test_sms_and_other_names_change_nothing_but_the_timeline(headrace):
    contact_id = headrace.contact()
    before = known(headrace, contact_id)
    message = {"body": "hi", "from": "+1555", "to": "+1666", "message_id": "SM1"}
    headrace.send(contact_id, "contact.sms_received", message)
    headrace.send(contact_id, "order.paid", {"total": 12.5, "items": ["a"]})
    assert known(headrace, contact_id) == before
    taken = [one for one in headrace.timeline(contact_id) if one["type"] == "contact_event_accepted"]
    assert [one["data"]["event_type"] for one in taken] == ["contact.created", "contact.sms_received", "order.paid"]
    assert [one["data"]["data"] for one in taken[1:]] == [message, {"total": 12.5, "items": ["a"]}]


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("contact.tag_added", {"tag": "new_lead"}),
        ("contact.tag_removed", {"tag": "new_lead"}),
        ("contact.field_updated", {"field": "score", "value": 1}),
        ("contact.sms_received", {"body": "hello"}),
        ("order.paid", {}),
    ],
)
def test_event_for_an_unknown_contact_makes_a_bare_one(headrace, type, data):
    contact_id = fresh("bare")
    assert headrace.send(contact_id, type, data)["result"] == "accepted"
    assert headrace.get(f"/contacts/{contact_id}")["first_name"] is None


def test_bare_contact_is_not_created_until_contact_created_comes(headrace):
    trigger = {
        "type": "contact_created",
        "conditions": [{"field": "custom_fields.bare", "operator": "equals", "value": 1}],
    }
    workflow = headrace.workflow(step("t", "add_tag", tag="t"), trigger=trigger)
    contact_id = fresh("bare")
    headrace.send(contact_id, "contact.field_updated", {"field": "bare", "value": 1})
    assert headrace.enrollments(workflow) == []
    headrace.send(contact_id, "contact.created", {})
    assert [one["contact_id"] for one in headrace.enrollments(workflow)] == [contact_id]


def test_same_source_and_id_is_a_duplicate(headrace):
    contact_id = fresh("twice")
    first = headrace.send(contact_id, "contact.tag_added", {"tag": "a"}, id="e1", source="crm")
    assert first["result"] == "accepted"
    again = headrace.post(
        f"/contacts/{contact_id}/events",
        {"type": "contact.tag_added", "data": {"tag": "b"}, "id": "e1", "source": "crm"},
        expect=200,
    )
    assert again["result"] == "duplicate"
    assert headrace.get(f"/contacts/{contact_id}")["tags"] == ["a"]


def test_same_id_of_another_source_or_contact_is_news(headrace):
    one, other = fresh("one"), fresh("other")
    for contact_id, source in ((one, "crm"), (one, "shop"), (other, "crm")):
        answer = headrace.send(contact_id, "contact.tag_added", {"tag": source}, id="e1", source=source)
        assert answer["result"] == "accepted", (contact_id, source)
    assert headrace.get(f"/contacts/{one}")["tags"] == ["crm", "shop"]


def test_events_without_an_id_are_news_each_time(headrace):
    contact_id = fresh("chatty")
    for _ in range(2):
        assert headrace.send(contact_id, "contact.sms_received", {"body": "same"})["result"] == "accepted"
    taken = [one for one in headrace.timeline(contact_id) if one["type"] == "contact_event_accepted"]
    assert len(taken) == 2
    assert len({one["data"]["event_id"] for one in taken}) == 2


def test_time_is_data_and_never_order(headrace):
    contact_id = fresh("late")
    headrace.send(contact_id, "contact.field_updated", {"field": "x", "value": "first"}, time="2030-01-01T00:00:00Z")
    headrace.send(
        contact_id, "contact.field_updated", {"field": "x", "value": "second"}, time="2020-01-01T00:00:00+02:00"
    )
    assert headrace.get(f"/contacts/{contact_id}")["custom_fields"] == {"x": "second"}
    assert [one["seq"] for one in headrace.timeline(contact_id)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "contact.tag_added", "data": {}}, "bad_data"),
        ({"type": "contact.tag_added", "data": {"tag": 5}}, "bad_data"),
        ({"type": "contact.tag_removed", "data": {"tag": ""}}, "bad_data"),
        ({"type": "contact.field_updated", "data": {"field": "x"}}, "bad_data"),
        ({"type": "contact.field_updated", "data": {"value": 1}}, "bad_data"),
        ({"type": "contact.field_updated", "data": {"field": "tags", "value": ["a"]}}, "bad_data"),
        ({"type": "contact.sms_received", "data": {}}, "bad_data"),
        ({"type": "contact.sms_received", "data": {"body": None}}, "bad_data"),
        ({"type": "contact.created", "data": {"contact": []}}, "bad_data"),
        ({"type": "contact.created", "data": {"contact": {"tags": "a"}}}, "bad_data"),
        ({"type": "contact.created", "data": {"contact": {"first_name": 5}}}, "bad_data"),
        ({"type": "contact.created", "data": {"first_name": "outside"}}, "bad_data"),
        ({"type": "order.paid", "data": {}, "time": "yesterday"}, "bad_time"),
        ({"type": "order.paid", "data": {}, "time": "2026-01-01T00:00:00"}, "bad_time"),
        ({"type": "", "data": {}}, "bad_type"),
        ({"type": "order.paid", "data": []}, "invalid_body"),
        ({"type": "order.paid", "data": {}, "surprise": 1}, "invalid_body"),
        ({"data": {}}, "invalid_body"),
    ],
)
def test_event_of_the_wrong_shape_is_refused_at_once(headrace, body, code):
    contact_id = fresh("wrong")
    problem = headrace.post(f"/contacts/{contact_id}/events", body, expect=422)
    assert problem["code"] == code
    headrace.get(f"/contacts/{contact_id}", expect=404)


def test_oversize_event_is_refused(headrace):
    contact_id = fresh("big")
    body = {"type": "order.paid", "data": {"text": "x" * 300_000}}
    assert headrace.post(f"/contacts/{contact_id}/events", body, expect=413)["status"] == 413


def test_contact_ids_are_any_text_up_to_128_characters(headrace):
    for contact_id in ("ada lovelace", "ada@example.com", "Ünïcödé/😀", "x" * 128, "00010"):
        from urllib.parse import quote

        path = f"/contacts/{quote(contact_id, safe='')}"
        headrace.post(f"{path}/events", {"type": "contact.created", "data": {}}, expect=200)
        assert headrace.get(path)["id"] == contact_id
    problem = headrace.post(f"/contacts/{'x' * 129}/events", {"type": "contact.created", "data": {}}, expect=422)
    assert problem["status"] == 422
