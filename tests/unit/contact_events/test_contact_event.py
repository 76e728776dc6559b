"""Contact events as they stand on Kafka: what is read of them, and what is refused."""

import base64
import json

import pytest

from domain.contact_event import ContactEvent
from schemas.contact_event import (
    MAX_EVENT_BYTES,
    REASONS,
    UnreadableContactEvent,
    read_contact_event,
)

STRUCTURED = (("content-type", b"application/cloudevents+json; charset=utf-8"),)


def read(value, *, key=b"c1", headers=(), **more):
    if isinstance(value, dict | list):
        value = json.dumps(value).encode()
    place = {"topic": "contact-events", "partition": 3, "offset": 41} | more
    return read_contact_event(**place, key=key, value=value, headers=headers)


def refused(value, **more):
    with pytest.raises(UnreadableContactEvent) as caught:
        read(value, **more)
    assert caught.value.reason in REASONS
    return caught.value


BARE = {
    "type": "contact.tag_added",
    "contact_id": "c1",
    "id": "e1",
    "time": "2026-01-31T09:05:00Z",
    "data": {"tag": "x"},
}
CLOUD = {
    "specversion": "1.0",
    "id": "e1",
    "source": "crm",
    "type": "contact.tag_added",
    "subject": "c1",
    "data": {"tag": "x"},
}


# ---------------------------------------------------------------- bare


def test_a_bare_event_has_its_topic_as_source():
    assert read(BARE) == ContactEvent(
        contact_id="c1",
        source="contact-events",
        id="e1",
        type="contact.tag_added",
        data={"tag": "x"},
        time="2026-01-31T09:05:00Z",
    )


def test_without_an_id_its_place_in_the_log_is_its_id():
    assert read({"type": "x", "contact_id": "c1"}).id == "contact-events/3/41"


def test_the_source_of_a_bare_event_is_always_its_topic():
    assert read(BARE | {"source": "elsewhere"}).source == "contact-events"


def test_a_bare_event_without_a_contact_id_is_about_its_key():
    assert read({"type": "x"}, key=b"c7").contact_id == "c7"
    assert read(BARE, key=b"c7").contact_id == "c1"


def test_what_an_echo_carries_is_kept():
    found = read(BARE | {"causationid": "c1/9", "hops": 2, "commandid": "cmd"})
    assert (found.causation_id, found.hops, found.command_id) == ("c1/9", 2, "cmd")


def test_data_may_be_missing_where_nothing_in_it_is_needed():
    assert read({"type": "order.paid"}).data == {}
    assert read({"type": "contact.created", "data": None}).data == {}


def test_unknown_keys_of_data_are_kept():
    data = {"tag": "x", "by": {"user": [1, None, True]}}
    assert read(BARE | {"data": data}).data == data


# ---------------------------------------------------------------- CloudEvents


def test_a_structured_cloud_event():
    expected = ContactEvent(contact_id="c1", source="crm", id="e1", type="contact.tag_added", data={"tag": "x"})
    assert read(CLOUD, headers=STRUCTURED) == expected
    assert read(CLOUD) == expected


def test_the_subject_beats_the_key():
    assert read(CLOUD, key=b"c7", headers=STRUCTURED).contact_id == "c1"
    assert read({**CLOUD, "subject": None}, key=b"c7", headers=STRUCTURED).contact_id == "c7"


def test_data_may_be_base64():
    data = base64.b64encode(b'{"tag": "x"}').decode()
    event = {key: value for key, value in CLOUD.items() if key != "data"} | {"data_base64": data}
    assert read(event, headers=STRUCTURED).data == {"tag": "x"}


BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e1"),
    ("ce_source", b"crm"),
    ("ce_type", b"contact.sms_received"),
    ("ce_subject", b"c1"),
    ("ce_time", b"2026-01-31T09:05:00.5+01:00"),
    ("ce_hops", b"3"),
    ("ce_causationid", b"c1/4"),
    ("traceparent", b"\xff not ours"),
    ("content-type", b"application/json"),
)


def test_a_binary_cloud_event():
    assert read(b'{"body": "yes"}', headers=BINARY) == ContactEvent(
        contact_id="c1",
        source="crm",
        id="e1",
        type="contact.sms_received",
        data={"body": "yes"},
        time="2026-01-31T09:05:00.5+01:00",
        causation_id="c1/4",
        hops=3,
    )


def test_a_binary_cloud_event_may_lack_all_but_its_type():
    found = read(b"", key=b"c7", headers=(("ce_type", b"order.paid"),))
    assert (found.contact_id, found.source, found.id, found.data) == ("c7", "contact-events", "contact-events/3/41", {})


def test_other_headers_leave_a_bare_event_bare():
    assert (
        read(BARE, headers=(("traceparent", b"00-1"), ("Content-Type", b"application/json"))).source == "contact-events"
    )


# ---------------------------------------------------------------- refused

CONTROL = "a\x01b"
REFUSED = [
    ("no value", None, "tombstone"),
    ("nothing", b"", "not_json"),
    ("no JSON", b"hello", "not_json"),
    ("XML", b"<a/>", "not_json"),
    ("half of it", b'{"type": "x"', "not_json"),
    ("more after it", b'{"type": "x"} {}', "not_json"),
    ("no UTF-8", b'{"type": "\xff"}', "not_json"),
    ("half a surrogate pair", b'{"type": "\\ud800"}', "not_json"),
    ("NaN", b'{"type": "x", "data": {"a": NaN}}', "not_json"),
    ("a number past all bounds", b'{"type": "x", "data": {"a": 1e999}}', "bad_data"),
    ("very deep", b'{"type": "x", "data": {"a":' + b"[" * 50_000, "not_json"),
    ("a list", b"[]", "not_object"),
    ("null", b"null", "not_object"),
    ("too large", b" " * (MAX_EVENT_BYTES + 1), "oversize"),
    ("no type", {"contact_id": "c1"}, "bad_type"),
    ("an empty type", {"type": ""}, "bad_type"),
    ("a number as type", {"type": 5}, "bad_type"),
    ("a type that is too long", {"type": "x" * 513}, "bad_type"),
    ("an empty contact id", BARE | {"contact_id": ""}, "bad_contact_id"),
    ("a number as contact id", BARE | {"contact_id": 5}, "bad_contact_id"),
    ("a contact id of 129 characters", BARE | {"contact_id": "x" * 129}, "bad_contact_id"),
    ("a control character in the contact id", BARE | {"contact_id": CONTROL}, "bad_contact_id"),
    ("an empty id", BARE | {"id": ""}, "bad_id"),
    ("a number as id", BARE | {"id": 5}, "bad_id"),
    ("an empty source", CLOUD | {"source": ""}, "bad_source"),
    ("a date as time", BARE | {"time": "2026-01-31"}, "bad_time"),
    ("a time without a zone", BARE | {"time": "2026-01-31T09:05:00"}, "bad_time"),
    ("a day that is not", BARE | {"time": "2026-02-30T09:05:00Z"}, "bad_time"),
    ("a number as time", BARE | {"time": 5}, "bad_time"),
    ("very many leap seconds", BARE | {"time": ":60" * 50_000}, "bad_time"),
    ("negative hops", BARE | {"hops": -1}, "bad_extension"),
    ("hops of nonsense", BARE | {"hops": "many"}, "bad_extension"),
    ("hops of many digits", BARE | {"hops": "9" * 5_000}, "bad_extension"),
    ("half a hop", BARE | {"hops": 0.5}, "bad_extension"),
    ("an empty causation", BARE | {"causationid": ""}, "bad_extension"),
    ("a CloudEvent of another version", CLOUD | {"specversion": "0.3"}, "bad_specversion"),
    ("data that is a list", BARE | {"data": []}, "bad_data"),
    ("data that is no base64", CLOUD | {"data_base64": "*"}, "bad_data"),
    ("data that is deep", BARE | {"data": json.loads('{"tag": "x", "a": ' + "[" * 70 + "]" * 70 + "}")}, "bad_data"),
    ("NUL in data", BARE | {"data": {"tag": "a\0b"}}, "bad_data"),
    ("NUL in a key of data", BARE | {"data": {"tag": "x", "more": [{"a\0": 1}]}}, "bad_data"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "reason"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_what_is_no_contact_event_is_refused_with_its_reason(value, reason):
    assert refused(value).reason == reason


@pytest.mark.parametrize("key", [None, b""])
def test_an_event_about_nobody_is_refused(key):
    assert refused({"type": "x"}, key=key).reason == "no_contact_id"


def test_a_key_that_is_no_text_is_refused_only_when_it_is_needed():
    assert refused({"type": "x"}, key=b"\xff").reason == "bad_contact_id"
    assert read(BARE, key=b"\xff").contact_id == "c1"


@pytest.mark.parametrize("media", [b"application/xml", b"application/cloudevents-batch+json", b"text/plain", b"avro"])
def test_another_content_type_is_refused(media):
    assert refused(BARE, headers=(("content-type", media),)).reason == "bad_content_type"


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("ce_id", b"\xff", "bad_id"),
        ("ce_specversion", b"2.0", "bad_specversion"),
        ("ce_hops", b"x", "bad_extension"),
        ("ce_time", b"now", "bad_time"),
    ],
)
def test_a_bad_header_of_a_binary_event_is_refused(name, raw, reason):
    headers = (("ce_type", b"order.paid"), (name, raw))
    assert refused(b"{}", headers=headers).reason == reason


def test_a_zero_that_is_only_spelt_is_kept():
    assert read(BARE | {"data": {"tag": "x", "a": "\\u0000"}}).data["a"] == "\\u0000"


# ---------------------------------------------------------------- data of known types

BAD_DATA = [
    ("contact.created", {"contact": []}, "data.contact: expected an object, found a list"),
    ("contact.created", {"contact": {"email": 5}}, "data.contact.email: expected text or null, found a number"),
    ("contact.created", {"contact": {"phone": 15551234567}}, "data.contact.phone: expected text or null, found a number"),
    ("contact.created", {"contact": {"tags": "x"}}, "data.contact.tags: expected a list of text, found text"),
    ("contact.created", {"contact": {"tags": ["x", 5]}}, "data.contact.tags: expected a list of text, found a list"),
    ("contact.created", {"contact": {"custom_fields": []}}, "data.contact.custom_fields: expected an object, found a list"),
    ("contact.created", {"email": "a@example.com"}, "data.contact: expected 'email' in here, found it in data"),
    ("contact.field_updated", {"field": "plan"}, "data.value: expected any value, found none"),
    ("contact.field_updated", {"value": 1}, "data.field: expected text that is not empty, found none"),
    ("contact.field_updated", {"field": "", "value": 1}, "data.field: expected text that is not empty, found empty text"),
    ("contact.field_updated", {"field": "tags", "value": []}, "data.field: 'tags' can't be updated"),
    ("contact.field_updated", {"field": "id", "value": "c2"}, "data.field: 'id' can't be updated"),
    ("contact.tag_added", {}, "data.tag: expected text that is not empty, found none"),
    ("contact.tag_added", {"tag": None}, "data.tag: expected text that is not empty, found null"),
    ("contact.tag_removed", {"tag": True}, "data.tag: expected text that is not empty, found a boolean"),
    ("contact.sms_received", {}, "data.body: expected text, found none"),
    ("contact.sms_received", {"body": {}}, "data.body: expected text, found an object"),
    ("contact.sms_received", {"body": "x", "from": 1555}, "data.from: expected text or null, found a number"),
]  # fmt: skip


@pytest.mark.parametrize(("event_type", "data", "message"), BAD_DATA)
def test_data_of_the_wrong_shape_is_refused_and_the_field_is_named(event_type, data, message):
    error = refused({"type": event_type, "data": data})
    assert error.reason == "bad_data"
    assert str(error).startswith(f"{event_type}: {message}")


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("contact.created", {"contact": {"first_name": None, "tags": [], "custom_fields": {"a": [1]}, "more": 1}}),
        ("contact.created", {"campaign": "x"}),
        ("contact.field_updated", {"field": "plan", "value": None, "old_value": {"a": 1}}),
        ("contact.sms_received", {"body": "", "message_id": None}),
        ("order.paid", {"tag": 5, "contact": 6}),
    ],
)
def test_data_of_the_right_shape_is_kept_as_it_is(event_type, data):
    assert read({"type": event_type, "data": data}).data == data


@pytest.mark.parametrize(
    "time", ["2026-01-31T09:05:00z", "2026-01-31T09:05:00.123456789-11:30", "2016-12-31T23:59:60Z"]
)
def test_times_are_kept_as_text(time):
    assert read(BARE | {"time": time}).time == time
