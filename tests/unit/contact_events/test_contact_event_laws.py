"""Contact events: no input gives a traceback, and what we write reads back as it was."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.contact_event import ContactEvent
from schemas.contact_event import REASONS, UnreadableContactEvent, cloud_event, read_contact_event
from schemas.contact_event_data import SHAPES


def read(value, *, key=b"c1", headers=()):
    return read_contact_event(topic="contact-events", partition=3, offset=41, key=key, value=value, headers=headers)


PIECES = st.sampled_from(
    [
        *(name.encode() for name in SHAPES),
        b'{"type":',
        b'"data":',
        b'"contact_id":',
        b'"hops":',
        b"null",
        b"[",
        b"{",
        b"}",
        b"1e99",
        b'"',
    ]
)
HEADER = st.tuples(
    st.sampled_from(["ce_type", "ce_id", "ce_subject", "ce_time", "ce_hops", "ce_specversion", "content-type", "x"]),
    st.binary(max_size=10)
    | st.sampled_from([b"1.0", b"contact.created", b"application/json", b"application/cloudevents+json"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.binary(max_size=100) | st.lists(PIECES, max_size=8).map(b"".join),
    st.none() | st.binary(max_size=5),
    st.lists(HEADER, max_size=3),
)
@example(b'{"type":"x","hops":1e99}', None, [])
@settings(max_examples=500, deadline=None)
def test_garbage_is_read_or_refused_and_nothing_else(value, key, headers):
    read_or_refuse(value, key, headers)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from([*SHAPES, "x"]) | JSON},
        optional=dict.fromkeys(["data", "id", "time", "hops", "contact_id", "specversion", "subject", "source"], JSON),
    )
)
@settings(max_examples=300, deadline=None)
def test_an_event_of_odd_values_is_read_or_refused_and_nothing_else(event):
    read_or_refuse(json.dumps(event).encode(), b"c1", ())


def read_or_refuse(value, key, headers):
    outcome = outcome_of(value, key, headers)
    if isinstance(outcome, UnreadableContactEvent):
        assert outcome.reason in REASONS
        assert str(outcome)
    else:
        assert 1 <= len(outcome.contact_id) <= 128


def outcome_of(value, key, headers):
    try:
        return read(value, key=key, headers=headers)
    except UnreadableContactEvent as error:
        return error


labels = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30)
events = st.builds(
    ContactEvent,
    contact_id=labels,
    source=labels,
    id=labels,
    type=labels.filter(lambda name: name not in SHAPES),
    data=st.dictionaries(
        st.text("aé\u2028", max_size=3), JSON.filter(lambda value: "\\x00" not in repr(value)), max_size=3
    ),
    time=st.none() | st.datetimes().map(lambda time: time.isoformat(timespec="milliseconds") + "Z"),
    causation_id=st.none() | labels,
    hops=st.integers(0, 20),
    command_id=st.none() | labels,
)


@given(events)
@settings(max_examples=200, deadline=None)
def test_what_we_write_reads_back_as_it_was(event):
    value, headers = cloud_event(event)
    assert read(value, key=b"another", headers=headers) == event


def test_a_change_that_a_step_made_names_its_enrollment():
    event = ContactEvent(
        contact_id="c1",
        source="headrace",
        id="c1/12",
        type="contact.tag_added",
        data={"tag": "x"},
        causation_id="c1/12",
        hops=1,
    )
    value, headers = cloud_event(event, enrollment_id="e-1")
    assert value == b'{"tag":"x"}'
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"c1/12",
        "ce_source": b"headrace",
        "ce_type": b"contact.tag_added",
        "ce_subject": b"c1",
        "ce_causationid": b"c1/12",
        "ce_enrollmentid": b"e-1",
        "ce_hops": b"1",
        "content-type": b"application/json",
    }
