"""A contact event that was replayed from the dead letters keeps its identity."""

import json

import pytest

from schemas.contact_event import UnreadableContactEvent, read_contact_event

BARE = {"type": "order.paid", "contact_id": "c1"}
FIRST = ("headrace-original", b"contact-events/1/5")
COMMAND = ("headrace-command", b"5b0b7a2e-0000-4000-8000-000000000001")


def read(value, *headers):
    value = json.dumps(value).encode()
    return read_contact_event(topic="contact-events", partition=3, offset=41, key=b"c1", value=value, headers=headers)


def test_without_an_id_the_first_place_is_its_id():
    assert read(BARE, FIRST).id == "contact-events/1/5"
    assert read(BARE, ("Headrace-Original", b"contact-events/1/5")).id == "contact-events/1/5"


def test_an_id_of_its_own_is_kept():
    assert read(BARE | {"id": "e1"}, FIRST).id == "e1"
    assert read({}, FIRST, ("ce_type", b"order.paid"), ("ce_id", b"e2")).id == "e2"


def test_a_binary_event_without_an_id_has_that_of_its_first_place():
    assert read({}, FIRST, ("ce_type", b"order.paid"), ("ce_subject", b"c1")).id == "contact-events/1/5"


def test_the_engine_answers_to_the_command_of_the_replay():
    assert read(BARE | {"commandid": "old"}, FIRST, COMMAND).command_id == COMMAND[1].decode()
    assert read(BARE | {"commandid": "own"}, FIRST).command_id == "own"


@pytest.mark.parametrize(("name", "reason"), [("headrace-original", "bad_id"), ("headrace-command", "bad_extension")])
@pytest.mark.parametrize("content", [b"\xff", b"x" * 513, b"a\nb"])
def test_marks_that_cannot_be_read_are_refused(name, reason, content):
    with pytest.raises(UnreadableContactEvent) as caught:
        read(BARE, (name, content))
    assert caught.value.reason == reason
