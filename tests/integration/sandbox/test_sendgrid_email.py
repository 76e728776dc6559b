"""`send_email`: SendGrid's format from its SDK, sent by our own client."""

import pytest

from domain.contact import Contact
from tests.support.provider_calls import ANN, actions_at, run


async def only_message(client):
    async with client.get("/inbox.json") as response:
        (message,) = (await response.json())["messages"]
    return message


async def test_text_html_and_subject_arrive(call, client):
    request = {"to": "bo@example.org", "subject": "Zwölf", "body": "plain", "html": "<b>rich</b>"}
    result = await call("send_email", request)
    message = await only_message(client)
    assert (message["to"], message["subject"], message["body"], message["html"]) == (
        "bo@example.org",
        "Zwölf",
        "plain",
        "<b>rich</b>",
    )
    assert (message["from"], message["provider_id"]) == ("crm@example.org", result.provider_id)


async def test_a_dynamic_template_goes_by_its_id_with_its_data(call, client):
    result = await call("send_email", {"sendgrid_template_id": "d-1", "data": {"contact": {"first_name": "Ann"}}})
    assert result.outcome == "succeeded"
    message = await only_message(client)
    assert (message["to"], message["template_id"]) == (ANN.email, "d-1")
    assert message["data"] == {"contact": {"first_name": "Ann"}}
    assert message["action_key"] == "e/s/1"


async def test_a_contact_without_an_address_fails_for_good(call):
    result = await call("send_email", {"subject": "s", "body": "b"}, contact=Contact(id="c2"))
    assert (result.outcome, result.code, result.retryable) == ("failed", "no_email", False)


async def test_sendgrids_own_words_reach_the_operator(call):
    result = await call("send_email", {"body": "no subject"})
    assert (result.outcome, result.code, result.retryable) == ("failed", "sendgrid_400", False)
    assert "The subject is required" in result.message
    assert "(subject)" in result.message


@pytest.mark.parametrize("to", ["ann at home", "ann@", "@example.org", "a@example.org, b@example.org", "   "])
async def test_what_is_not_one_address_is_refused_for_good(to, call, client):
    result = await call("send_email", {"to": to, "subject": "s", "body": "b"})
    assert (result.outcome, result.code, result.retryable) == ("failed", "invalid_email", False)
    assert "can't be an e-mail address: " in result.message
    async with client.get("/requests.json") as response:
        assert (await response.json())["requests"] == []


async def test_an_international_domain_is_sent_in_its_ascii_form(call, client):
    await call("send_email", {"to": " bo@exämple.org ", "subject": "s", "body": "b"})
    assert (await only_message(client))["to"] == "bo@xn--exmple-cua.org"


async def test_an_address_may_stand_with_a_name(call, client):
    await call("send_email", {"to": "Bo Li <bo@example.org>", "subject": "s", "body": "b"})
    assert (await only_message(client))["to"] == "bo@example.org"


async def test_a_wrong_key_is_final(sandbox):
    async with actions_at(sandbox.url, api_key="SG.wrong") as registry:
        result = await run(registry, "send_email", {"subject": "s", "body": "b"})
    assert (result.outcome, result.code, result.retryable) == ("failed", "sendgrid_401", False)
