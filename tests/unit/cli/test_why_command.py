"""`headrace why`: what it asks, the story that it prints, and what it refuses."""

import pytest

from tests.unit.cli.conftest import ENROLLMENT_ID, WORKFLOW_ID, page, workflow

AT = "2026-05-01T08:00:00Z"
PATH = "/api/v1/contacts/ada/why"
OPERAND = {"field": "source", "operator": "equals", "value": "facebook_ad", "actual": "google", "result": False}
STEP = {
    "seq": 4,
    "step_id": "hi",
    "step_type": "send_sms",
    "visit": 1,
    "status": "completed",
    "entered_at": AT,
    "done_at": AT,
    "conditions": [],
    "branch": None,
    "arm": None,
    "due_at": None,
    "waits_for": [],
    "received": None,
    "missed": [],
    "send": {
        "channel": "sms",
        "action_key": "k",
        "request": {"to": "+1555", "body": "Hi"},
        "requested_at": AT,
        "tries": 3,
        "attempts": [
            {
                "number": 1,
                "started_at": AT,
                "deadline": AT,
                "outcome": "failed",
                "at": AT,
                "code": "busy",
                "message": "Too many \x1b[31mrequests",
                "provider_id": None,
                "output": {},
                "retry_at": None,
            }
        ],
        "deliveries": [{"at": AT, "status": "delivered", "code": None, "price": None}],
        "outcome": "failed",
    },
    "changes": [],
    "code": None,
    "message": None,
    "next_step": None,
    "words": "the words of the step",
}
TOLD = {
    "answer": "This is why.",
    "contact_id": "ada",
    "workflow_id": WORKFLOW_ID,
    "workflow_name": "Welcome",
    "at": AT,
    "engine": "1.2.3",
    "workflow_status": "active",
    "live_version": 2,
    "reentry": "once",
    "step_id": None,
    "stopped": None,
    "considered": [
        {
            "seq": 1,
            "at": AT,
            "event_type": "contact.created",
            "made_by_step": None,
            "workflow_status": "active",
            "version": 1,
            "trigger_type": "contact_created",
            "trigger_index": 0,
            "trigger_config": {},
            "reentry": "once",
            "conditions": [OPERAND],
            "enrolled": False,
            "reason": "conditions",
            "recomputed": True,
            "conditions_recomputed": False,
            "enrollment_id": None,
            "words": "the conditions were not met",
        }
    ],
    "enrollments": [
        {
            "id": ENROLLMENT_ID,
            "workflow_id": WORKFLOW_ID,
            "version": 2,
            "contact_id": "ada",
            "status": "failed",
            "current_step": "hi",
            "enrolled_at": AT,
            "ended_at": None,
            "end_reason": None,
            "cause_seq": 2,
            "trigger_type": "manual",
            "trigger_index": -1,
            "event": None,
            "conditions": [],
            "hops": 0,
            "steps": [STEP],
            "turns": [{"seq": 9, "at": AT, "type": "incident_opened", "words": "it stopped"}],
        }
    ],
    "would_enrol": [{"trigger_type": "manual", "trigger_config": {}, "words": "somebody enrols"}],
    "notes": [{"seq": 5, "at": AT, "type": "command_resulted", "words": "a duplicate came"}],
}


@pytest.fixture
def told(headrace):
    headrace.on("GET", "/api/v1/workflows", page(workflow()))
    headrace.on("GET", PATH, TOLD)
    return headrace


def test_the_story_has_the_answer_on_top_and_each_piece_of_evidence(call, told):
    lines = call("why", "ada", "Welcome").out.splitlines()
    assert lines[0] == "This is why."
    text = "\n".join(lines)
    for words in (
        "Welcome: active, version 2 live, as of 2026-05-01 08:00:00; told by Headrace 1.2.3",
        "✗ contact.created: not enrolled: the conditions were not met",
        "version 1, trigger contact_created, re-entry once; worked out now",
        '✗ source equals "facebook_ad" (it was "google")',
        "send_sms: the words of the step",
        'request {"to": "+1555", "body": "Hi"}',
        "attempt 1 at 2026-05-01 08:00:00: failed, busy, Too many",
        "the provider said delivered",
        "it stopped",
        "a duplicate came",
    ):
        assert words in text
    assert "\x1b" not in text, "a provider's words steer no terminal"


def test_what_would_enrol_is_told_when_nothing_did(call, told):
    told.on("GET", "/api/v1/contacts/bob/why", TOLD | {"contact_id": "bob", "considered": [], "enrollments": []})
    assert "It is enrolled when somebody enrols" in call("why", "bob", "Welcome").out


def test_json_is_the_answer_as_it_came(call, told):
    assert call("why", "ada", "Welcome", "--json").json == TOLD


def test_what_is_asked(call, told):
    call("why", "ada", "Welcome", "--step", "hi", "--at", AT)
    call("why", "ada", "--enrollment", ENROLLMENT_ID)
    first, second = [dict(one.query) for one in told.requests if one.path == PATH]
    assert {name: str(value) for name, value in first.items()} == {
        "workflow_id": WORKFLOW_ID,
        "step_id": "hi",
        "at": AT,
    }
    assert {name: str(value) for name, value in second.items()} == {"enrollment_id": ENROLLMENT_ID}


def test_a_contact_id_may_be_any_text(call, told):
    result = call("why", "a/b c?", "Welcome")
    assert result.code == 1
    assert "/api/v1/contacts/a%2Fb" in result.err or "a/b c?" in result.err


def test_something_to_explain_must_be_named(call, told):
    result = call("why", "ada")
    assert result.code == 2
    assert "--enrollment" in result.err
