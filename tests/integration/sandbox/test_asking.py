"""Asking the providers what became of an attempt: through the real SDKs, against the sandbox."""

import pytest

from domain.contact import Contact
from tests.support.provider_calls import actions_at, asked, run

MESSAGES = ("sms", "email")
every_message = pytest.mark.parametrize("channel", MESSAGES)


async def fault(client, **described):
    async with client.post("/faults", json=described) as response:
        assert response.status == 201, await response.text()


async def inbox(client):
    async with client.get("/inbox.json") as response:
        return (await response.json())["messages"]


@every_message
async def test_a_message_that_was_taken_before_the_line_broke_is_found(channel, actions, call, client, requests_to):
    await fault(client, channel=channel, kind="reset_after_accept", times=1)
    assert (await call(*requests_to[channel], key="e/s/1")).outcome == "unknown"
    (message,) = await inbox(client)
    found = await asked(actions, *requests_to[channel], key="e/s/1")
    assert (found.outcome, found.provider_id) == ("succeeded", message["provider_id"])


@every_message
async def test_a_message_that_was_never_taken_is_not_found(channel, actions, call, client, requests_to):
    await fault(client, channel=channel, kind="reset_before_accept", times=1)
    assert (await call(*requests_to[channel], key="e/s/1")).outcome == "unknown"
    assert (await asked(actions, *requests_to[channel], key="e/s/1")).code == "not_found"


@every_message
async def test_one_message_is_found_for_one_attempt_alone(channel, actions, call, requests_to):
    await call(*requests_to[channel], key="e/s/1")
    assert (await asked(actions, *requests_to[channel], key="e/s/2")).code == "not_found"
    assert (await asked(actions, *requests_to[channel], key="e/s/1")).outcome == "succeeded"


async def test_two_attempts_that_look_alike_find_a_message_each_once_both_were_asked_about(
    actions, call, client, requests_to
):
    await fault(client, channel="sms", kind="reset_after_accept", times=2)
    keys = ("e/s/1", "f/s/1")
    for key in keys:
        await call(*requests_to["sms"], key=key)
    first_round = [(await asked(actions, *requests_to["sms"], key=key)).provider_id for key in keys]
    second_round = [(await asked(actions, *requests_to["sms"], key=key)).provider_id for key in keys]
    assert first_round == [None, second_round[1]], "one of two messages, for one attempt, would be a guess"
    assert set(second_round) == {message["provider_id"] for message in await inbox(client)}
    assert (await asked(actions, *requests_to["sms"], key="g/s/1")).code == "not_found"


async def test_more_messages_than_attempts_that_look_for_one_are_no_proof(sandbox, actions, call, requests_to):
    """Another worker's contact has the same number: which message is whose is not known here."""
    taken = [(await call(*requests_to["sms"], key=key)).provider_id for key in ("e/s/1", "f/s/1")]
    async with actions_at(sandbox.url) as others:
        found = await asked(others, *requests_to["sms"], key="e/s/1")
        assert found.code == "not_found"
        assert all(provider_id in found.message for provider_id in taken)


async def test_what_went_to_another_number_than_the_contacts_own_is_not_known_by_its_looks(sandbox, call):
    """Messages of other contacts go there, too, and may say the same."""
    to_staff = ("send_sms", {"to": "+15550199000", "body": "A new lead"})
    taken = await call(*to_staff, key="e/s/1")
    async with actions_at(sandbox.url) as others:
        found = await asked(others, *to_staff, key="e/s/1")
        assert found.code == "not_found"
        assert taken.provider_id in found.message


async def test_a_number_in_national_form_is_looked_for_as_it_was_sent(sandbox):
    ada = Contact(id="c1", phone="0151 12345678")
    request = ("send_sms", {"to": "0151 12345678", "body": "hi"})
    async with actions_at(sandbox.url, phone_region="DE") as actions:
        taken = await run(actions, *request, contact=ada)
    async with actions_at(sandbox.url, phone_region="DE") as others:
        assert (await asked(others, *request, contact=ada)).provider_id == taken.provider_id


async def test_another_process_knows_from_the_journal_which_messages_are_other_attempts(sandbox, call, requests_to):
    taken = await call(*requests_to["sms"], key="e/s/1")
    async with actions_at(sandbox.url) as others:
        found = await asked(others, *requests_to["sms"], key="f/s/1", not_ids=[taken.provider_id])
        assert found.code == "not_found"
        assert (await asked(others, *requests_to["sms"], key="f/s/1")).provider_id == taken.provider_id


@pytest.mark.parametrize("different", [{"body": "hello"}, {"to": "+15550101"}])
async def test_another_text_and_another_number_are_not_it(different, actions, call, requests_to):
    step_type, request = requests_to["sms"]
    await call(step_type, request, key="e/s/1")
    assert (await asked(actions, step_type, request | different, key="f/s/1")).code == "not_found"


async def test_a_message_of_another_time_is_not_it(actions, call, requests_to):
    await call(*requests_to["sms"], key="e/s/1")
    assert (await asked(actions, *requests_to["sms"], key="e/s/1", ago_s=-60)).code == "not_found"


async def test_a_web_request_has_nobody_to_ask(actions, requests_to):
    assert (await asked(actions, *requests_to["http"])).code == "cannot_ask"


@every_message
async def test_a_provider_that_is_not_there_says_nothing_about_the_attempt(channel, dead_url, requests_to):
    async with actions_at(dead_url) as registry:
        with pytest.raises(OSError):
            await asked(registry, *requests_to[channel])
