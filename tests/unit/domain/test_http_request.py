"""The step `http_request`: what it asks for, and how large that may be."""

import pytest

from domain.contact import Contact
from domain.errors import StepError
from domain.fields import Scope
from domain.secret_use import SecretUse
from domain.steps.http_request import MAX_REQUEST_BYTES, HttpRequest, enter
from domain.templates import compile_template, map_templates
from domain.workflow import Step


def ask(**config):
    request = HttpRequest(url=compile_template("https://example.com/{{id}}"), **config)
    contact = Contact(id="ada", custom_fields={"note": "x" * 90_000})
    return enter(Step(id="s", kind="http_request", config=request, next=None), Scope(contact=contact, now_ms=0))


def test_request_is_rendered_and_notes_where_its_secrets_go():
    asked = ask(
        headers={"Authorization": compile_template("Bearer {{secrets.TOKEN}}")},
        json=map_templates({"deep": ["{{ secrets.KEY }}", 5]}),
        sign=compile_template("{{secrets.SIGNING}}"),
        success=("2xx", 404),
    )
    assert asked.request == {
        "url": "https://example.com/ada",
        "method": "POST",
        "headers": {"Authorization": "Bearer {{ secrets.TOKEN }}"},
        "query": {},
        "json": {"deep": ["{{ secrets.KEY }}", 5]},
        "sign": "{{ secrets.SIGNING }}",
        "timeout_ms": 10_000,
        "success": ["2xx", 404],
    }
    assert asked.secrets == (
        SecretUse("TOKEN", ("headers", "Authorization"), 7),
        SecretUse("KEY", ("json", "deep", 0)),
        SecretUse("SIGNING", ("sign",)),
    )


def test_request_that_grows_too_large_fails_the_step():
    notes = {"a": "{{note}}", "b": "{{note}}"}
    assert len(ask(json=map_templates(notes)).request["json"]["a"]) == 90_000
    with pytest.raises(StepError, match=f"at most {MAX_REQUEST_BYTES:,} bytes") as refused:
        ask(json=map_templates(notes | {"c": "{{note}}"}))
    assert refused.value.code == "request_too_large"
