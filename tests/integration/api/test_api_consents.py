"""Consent by address: a suppression list reaches whoever has the addresses, and says of each what became of it."""

import pytest

from api.webhooks.settings import WebhookSettings
from schemas.command import decode_command
from schemas.topics import COMMANDS
from tests.integration.api.caller import assert_problem

PATH = "/api/v1/consents"
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def settings():
    return {"webhooks": WebhookSettings(public_url="https://crm.example", phone_region="DE")}


async def told(api):
    found = [decode_command(record.value) for record in await api.appended(COMMANDS)]
    return sorted((one.contact_id, one.channel, one.address, one.allowed, one.reason) for one in found)


async def test_every_contact_with_the_address_goes_by_it(api, read_side):
    await read_side.contact("ada", phone="+4915112345678")
    await read_side.contact("bo", phone="0151 12345678")
    await read_side.contact("cy", phone="+4915100000000", email="Cy <Cy@Example.com>")
    items = [
        {"channel": "sms", "address": "+49 151 12345678"},
        {"channel": "email", "address": "cy@example.COM", "reason": "bounced"},
        {"channel": "email", "address": "nobody@example.com"},
    ]
    reply = await api.post(PATH, json={"items": items}, headers=ASYNC)
    assert reply.status == 202
    assert await told(api) == [
        ("ada", "sms", "+49 151 12345678", False, "opted_out"),
        ("bo", "sms", "+49 151 12345678", False, "opted_out"),
        ("cy", "email", "cy@example.COM", False, "bounced"),
    ]


async def test_what_is_so_already_is_no_news(api, read_side):
    await read_side.contact("ada", phone="+4915112345678")
    await read_side.consent("ada", address="+4915112345678")
    reply = await api.post(PATH, json={"items": [{"channel": "sms", "address": "0151 12345678"}]})
    assert (reply.status, reply.body["items"]) == (
        200,
        [{"channel": "sms", "address": "0151 12345678", "contacts": 1, "problem": None}],
    )
    assert api.nothing_appended()
    again = {"channel": "sms", "address": "+4915112345678", "allowed": True}
    await api.post(PATH, json={"items": [again]}, headers=ASYNC)
    assert await told(api) == [("ada", "sms", "+4915112345678", True, "opted_in")]


async def test_what_is_nobodys_and_what_is_no_address_is_told(api, read_side):
    await read_side.contact("ada", phone="12", email="nothing")
    items = [
        {"channel": "sms", "address": "+15550001111"},
        {"channel": "sms", "address": "12"},
        {"channel": "email", "address": "nothing"},
    ]
    found = (await api.post(PATH, json={"items": items})).body["items"]
    assert [one["contacts"] for one in found] == [0, 0, 0]
    assert [one["problem"] is None for one in found] == [True, False, False]
    assert api.nothing_appended()


@pytest.mark.parametrize("items", [[], [{"channel": "fax", "address": "1"}], [{"address": "+1"}], None])
async def test_what_does_not_read_is_refused(api, items):
    reply = await api.post(PATH, json={"items": items})
    assert_problem(reply, 422, "invalid_body")
    assert api.nothing_appended()
