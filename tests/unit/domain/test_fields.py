"""What a path names: attributes, custom fields, the event, the outputs of steps, the enrollment."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact import Contact
from domain.enrollment import Enrollment
from domain.fields import NAMESPACES, Scope, check_path, resolve

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)

CONTACT = Contact(
    id="c-1",
    first_name="Ann",
    email="",
    phone=None,
    tags=("vip", "lead"),
    custom_fields={
        "city": "Ulm",
        "phone": "+49 1",
        "email": "never seen",
        "event": "a custom field of this name",
        "utm": {"source": "nested", "terms": ["a", {"b": "deep"}]},
        "utm.source": "whole name",
    },
    created_at_ms=1_777_622_400_000,
)
EVENT = {
    "id": "e-1",
    "type": "order.paid",
    "source": "/shop",
    "time": "2026-05-01T08:00:00Z",
    "data": {"id": "data's own id", "amount": 12, "items": [{"sku": "x"}]},
}
ENROLLMENT = Enrollment(
    id="en-1",
    workflow_id="w-1",
    version=3,
    hops=2,
    event=EVENT,
    outputs={"call": {"status": 200, "body": {"ok": True}}},
    state={"score": 7},
    last_sms_reply="yes please",
    enrolled_at_ms=1_777_622_400_500,
)
SCOPE = Scope(CONTACT, 1_777_708_800_123, enrollment=ENROLLMENT, last_sms_reply="an older one")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("first_name", "Ann"),
        ("contact.first_name", "Ann"),
        ("id", "c-1"),
        ("tags", ["vip", "lead"]),
        ("tags.0", "vip"),
        ("tags.size", 2),
        ("tags.last", "lead"),
        ("tags.2", None),
        ("created_at", "2026-05-01T08:00:00.000Z"),
        ("updated_at", None),
        ("last_name", None),
        ("city", "Ulm"),
        ("contact.city", "Ulm"),
        ("custom_fields.city", "Ulm"),
        ("contact.custom_fields.city", "Ulm"),
        ("utm.terms.1.b", "deep"),
        ("utm.terms.9.b", None),
        ("city.street", None),
        ("nowhere", None),
        ("", None),
        ("event.amount", 12),
        ("event.items.0.sku", "x"),
        ("event.type", "order.paid"),
        ("event.source", "/shop"),
        ("event.time", "2026-05-01T08:00:00Z"),
        ("event.data.amount", 12),
        ("event.nothing", None),
        ("steps.call.output.status", 200),
        ("steps.call.output.body.ok", True),
        ("steps.call.status", None),
        ("steps.other.output.status", None),
        ("enrollment.id", "en-1"),
        ("enrollment.workflow_id", "w-1"),
        ("enrollment.version", 3),
        ("enrollment.hops", 2),
        ("enrollment.state.score", 7),
        ("enrollment.enrolled_at", "2026-05-01T08:00:00.500Z"),
        ("enrollment.action", None),
        ("enrollment.event.amount", 12),
        ("enrollment.event.type", "order.paid"),
        ("now", "2026-05-02T08:00:00.123Z"),
    ],
)
def test_a_path_names(path: str, expected: Any) -> None:
    assert resolve(SCOPE, path) == expected


def test_a_null_attribute_falls_through_to_the_custom_field_and_an_empty_one_does_not() -> None:
    assert resolve(SCOPE, "phone") == "+49 1"
    assert resolve(SCOPE, "email") == ""


def test_the_envelope_wins_over_the_data_and_the_data_is_always_reached_by_its_own_name() -> None:
    assert resolve(SCOPE, "event.id") == "e-1"
    assert resolve(SCOPE, "event.data.id") == "data's own id"


def test_while_a_trigger_is_matched_the_event_is_the_one_at_hand() -> None:
    scope = Scope(CONTACT, 0, event={"id": "e-2", "data": {"amount": 99}})
    assert resolve(scope, "event.amount") == 99
    assert resolve(msgspec.structs.replace(scope, enrollment=ENROLLMENT), "event.amount") == 99
    assert resolve(msgspec.structs.replace(scope, enrollment=ENROLLMENT), "enrollment.event.amount") == 12


def test_last_sms_reply_is_since_the_enrollment_began_and_the_contacts_is_ever() -> None:
    assert resolve(SCOPE, "last_sms_reply") == "yes please"
    assert resolve(SCOPE, "contact.last_sms_reply") == "an older one"


def test_outside_an_enrollment_nothing_of_one_is_there() -> None:
    scope = Scope(CONTACT, 0, last_sms_reply="an older one")
    for path in ("last_sms_reply", "event.amount", "event.id", "steps.call.output.status", "enrollment.id"):
        assert resolve(scope, path) is None


def test_a_custom_field_with_a_namespaces_name_is_reached_through_custom_fields() -> None:
    assert resolve(SCOPE, "custom_fields.event") == "a custom field of this name"
    assert resolve(SCOPE, "event") == EVENT


def test_a_custom_field_whose_own_name_has_dots_wins_over_the_reach() -> None:
    assert resolve(SCOPE, "utm.source") == "whole name"
    assert resolve(SCOPE, "custom_fields.utm.source") == "whole name"


_NAMES = st.sampled_from(
    [*NAMESPACES, "data", "output", "state", "first_name", "tags", "size", "last", "0", "-1", "²", "x"]
)


@given(
    names=st.lists(_NAMES | st.text(max_size=3), max_size=6),
    fields=st.dictionaries(_NAMES | st.text(max_size=3), JSON, max_size=4),
)
def test_reading_never_raises(names: list[str], fields: dict[str, Any]) -> None:
    enrollment = Enrollment(
        id="e", workflow_id="w", version=1, event={"data": fields}, outputs={"x": fields}, state=fields
    )
    for scope in (Scope(Contact(id="c", custom_fields=fields), 0), Scope(CONTACT, 0, enrollment=enrollment)):
        resolve(scope, ".".join(names))


@pytest.mark.parametrize(
    "path", ["source", "any.custom.field", "event.amount", "steps.a-b.output.x", "enrollment.state.x", "now"]
)
def test_a_path_that_may_name_something_is_fine(path: str) -> None:
    assert check_path(path) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "names joined by dots"),
        ("a..b", "names joined by dots"),
        (" source", "names joined by dots"),
        ("event", "event.<name>"),
        ("contact", "contact.<name>"),
        ("steps.call", "steps.<step id>.output"),
        ("steps.call.result", "steps.<step id>.output"),
        ("enrollment.status_of", "enrolled_at"),
    ],
)
def test_a_path_that_can_never_name_anything_is_explained(path: str, words: str) -> None:
    assert words in (check_path(path) or "")
