"""Limits of what a contact is sent: the hours of its own time zone, and how many messages it gets."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.support.headrace import at, step

WINDOW = {"from": "09:00", "to": "20:00"}
ZONES = ("Asia/Tokyo", "Asia/Dubai", "America/Sao_Paulo", "Pacific/Honolulu")
"""Six hours from each other, about: there is always one where it is night."""


def began(headrace, contact):
    """When each attempt began, in engine time."""
    return [at(one["at"]) for one in sorted_timeline(headrace, contact) if one["type"] == "attempt_started"]


def sorted_timeline(headrace, contact):
    return sorted(headrace.timeline(contact), key=lambda one: one["seq"])


def test_messages_keep_to_the_hours_of_their_contacts_wherever_they_are(hasty):
    workflow = hasty.workflow(step("hi", "send_sms", body="Good day"), send_window=WINDOW)
    contacts = {zone: hasty.contact(timezone=zone) for zone in ZONES}
    enrolled = {zone: hasty.enrol(workflow, contact) for zone, contact in contacts.items()}
    held = 0
    for zone, contact in contacts.items():
        hasty.until(enrolled[zone]["id"], "completed")
        (start,) = began(hasty, contact)
        assert 9 <= start.astimezone(ZoneInfo(zone)).hour < 20
        held += any(one["type"] == "send_held" for one in hasty.timeline(contact))
        assert len(hasty.messages(enrolled[zone])) == 1
    assert held


def test_a_message_outside_its_hours_says_until_when_it_waits(headrace):
    """In real time: a window that is open for one day a week, and today is another one."""
    contact = headrace.contact()
    now = at(sorted_timeline(headrace, contact)[0]["at"])
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now.weekday() + 3) % 7]
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), send_window=WINDOW | {"days": [day]})
    enrollment = headrace.enrol(workflow, contact)
    held = headrace.step(enrollment, "hi", "pending")["output_data"]
    assert held["reason"] == "send_window"
    assert at(held["delay_until"]) == at(headrace.get(f"/enrollments/{enrollment['id']}")["next_action_at"])
    assert (at(held["delay_until"]).weekday(), at(held["delay_until"]).hour) == ((now.weekday() + 3) % 7, 9)
    assert headrace.messages(enrollment) == []


def test_over_its_cap_a_contact_waits_for_the_oldest_message_to_be_long_ago(hasty):
    cap = {"messages": 2, "per": "3d"}
    workflow = hasty.workflow(step("hi", "send_sms", body="x"), reentry="always", frequency_cap=cap)
    contact = hasty.contact()
    made = [hasty.enrol(workflow, contact) for _ in range(3)]
    for one in made:
        hasty.until(one["id"], "completed")
    first, _, third = began(hasty, contact)
    assert third >= first + timedelta(days=3)
    assert any(one["data"].get("reason") == "frequency_cap" for one in hasty.timeline(contact))


def test_or_goes_without_it(headrace):
    cap = {"messages": 1, "per": "1d", "when_over": "skip"}
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), reentry="always", frequency_cap=cap)
    contact = headrace.contact()
    assert headrace.execution(headrace.run(workflow, contact), "hi")["status"] == "completed"
    second = headrace.run(workflow, contact)
    assert headrace.execution(second, "hi")["output_data"] == {"reason": "frequency_cap"}
    assert headrace.messages(second) == []
