"""DESIGN 5.3, errors: every one is a problem of RFC 9457, with the status that its cause asks for."""

import uuid

import pytest
import requests

from tests.support.headrace import step

PROBLEM = {"type", "title", "status", "detail"}


NOBODY = str(uuid.UUID(int=0))
PROBLEMS = {
    "no such route": ("GET", "/api/v1/nothing", {}, 404),
    "no such workflow": ("GET", f"/api/v1/workflows/{NOBODY}", {}, 404),
    "a workflow id that is none": ("GET", "/api/v1/workflows/17", {}, 404),
    "no such version": ("GET", f"/api/v1/workflows/{NOBODY}/versions/1", {}, 404),
    "no such enrollment": ("GET", f"/api/v1/enrollments/{NOBODY}", {}, 404),
    "executions of no enrollment": ("GET", f"/api/v1/enrollments/{NOBODY}/executions", {}, 404),
    "no such contact": ("GET", "/api/v1/contacts/nobody-at-all", {}, 404),
    "timeline of nobody": ("GET", "/api/v1/contacts/nobody-at-all/timeline", {}, 404),
    "no such incident": ("GET", f"/api/v1/incidents/{NOBODY}", {}, 404),
    "no such template": ("GET", "/api/v1/templates/nothing", {}, 404),
    "publish of nothing": ("POST", f"/api/v1/workflows/{NOBODY}/publish", {"json": {}}, 404),
    "import into nothing": (
        "POST",
        f"/api/v1/workflows/{NOBODY}/import",
        {"json": {"name": "x", "trigger": {"type": "manual"}, "steps": [step("t", "exit")]}},
        404,
    ),
    "enrollments of nothing": ("GET", f"/api/v1/workflows/{NOBODY}/enrollments", {}, 404),
    "enrol into nothing": ("POST", f"/api/v1/workflows/{NOBODY}/enrollments", {"json": {"contact_id": "x"}}, 404),
    "test of nothing": ("POST", f"/api/v1/workflows/{NOBODY}/test?contact_id=x", {}, 404),
    "export of nothing": ("GET", f"/api/v1/workflows/{NOBODY}/export", {}, 404),
    "pause of nothing": ("POST", f"/api/v1/workflows/{NOBODY}/pause", {}, 404),
    "cancel of nothing": ("POST", f"/api/v1/enrollments/{NOBODY}/cancel", {}, 404),
    "wrong method": ("DELETE", "/api/v1/workflows", {}, 405),
    "definition without a type": ("POST", "/api/v1/workflows", {"data": b"name: x"}, 415),
    "definition of a wrong type": ("POST", "/api/v1/workflows", {"data": b"x", "headers": {"content-type": "text/plain"}}, 415),
    "event of a wrong type": ("POST", "/api/v1/contacts/x/events", {"data": b"x", "headers": {"content-type": "text/plain"}}, 415),
    "event that is no JSON": ("POST", "/api/v1/contacts/x/events", {"data": b"{", "headers": {"content-type": "application/json"}}, 400),
    "definition that is no JSON": ("POST", "/api/v1/workflows", {"data": b"{", "headers": {"content-type": "application/json"}}, 422),
    "event that is a list": ("POST", "/api/v1/contacts/x/events", {"json": []}, 422),
    "empty key": ("POST", "/api/v1/contacts/x/events", {"json": {"type": "a", "data": {}}, "headers": {"Idempotency-Key": ""}}, 400),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_every_error_is_a_problem(headrace, case):
    method, path, given, status = PROBLEMS[case]
    response = requests.request(method, headrace.url + path, timeout=30, **given)
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert set(problem) >= PROBLEM
    assert problem["status"] == status
    assert problem["detail"]
    assert "Traceback" not in response.text


def test_unknown_contact_is_not_enrolled_by_hand(headrace):
    path = f"/workflows/{headrace.workflow(step('t', 'exit'))['id']}/enrollments"
    assert headrace.post(path, {"contact_id": "nobody-of-this-name"}, expect=404)["code"] == "not_found"
    for body in ({}, {"contact_id": 5}, {"contact_id": ""}, {"contact_id": "x" * 129}, {"contact": "x"}):
        assert headrace.post(path, body, expect=422)["status"] == 422


def test_retry_says_how(headrace):
    failed = headrace.run(headrace.workflow(step("hi", "send_sms", body="x")), headrace.contact(phone=None), "failed")
    assert headrace.post(f"/enrollments/{failed['id']}/retry", {"as": "magic"}, expect=422)["status"] == 422
