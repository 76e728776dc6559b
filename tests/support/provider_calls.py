"""The built-in actions pointed at one address, and one call of an action as the dispatcher makes it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.action import ActionContext, ActionRegistry, ActionResult, Question, calling
from domain.contact import Contact
from streams.providers import HttpSettings, SendGridSettings, TwilioSettings, build_actions

TOKEN, API_KEY = "twilio-s3cret", "SG.sendgrid-s3cret"
ANN = Contact(id="c1", first_name="Ann", phone="+15550100", email="ann@example.org")


@asynccontextmanager
async def actions_at(url: str, *, allow: tuple[str, ...] = ("127.0.0.1",), **changed) -> AsyncIterator[ActionRegistry]:
    """The built-in actions with every provider at one address."""
    twilio = {
        "account_sid": "AC1",
        "auth_token": TOKEN,
        "from_number": "+15550199",
        "public_url": "https://crm.example",
    }
    sendgrid = {"api_key": API_KEY, "from_email": "crm@example.org", "from_name": "The CRM"}
    registry = build_actions(
        TwilioSettings(
            **{**twilio, "base_url": url, **{k: v for k, v in changed.items() if k in TwilioSettings.__slots__}}
        ),
        SendGridSettings(
            **{**sendgrid, "base_url": url, **{k: v for k, v in changed.items() if k in SendGridSettings.__slots__}}
        ),
        HttpSettings(allow=allow),
    )
    try:
        yield registry
    finally:
        await registry.close()


def context_of(step_type: str, key: str, *, timeout_s: float = 10.0, has_secrets: bool = False) -> ActionContext:
    """What an action knows of its first attempt."""
    return ActionContext(
        idempotency_key=key,
        attempt=1,
        enrollment_id="e",
        step_id="s",
        step_type=step_type,
        timeout_s=timeout_s,
        start_within_s=timeout_s,
        has_secrets=has_secrets,
    )


async def run(
    registry: ActionRegistry,
    step_type: str,
    config: dict,
    *,
    contact=ANN,
    key="e/s/1",
    timeout_s=10.0,
    has_secrets=False,
) -> ActionResult:
    """One call of an action."""
    context = context_of(step_type, key, timeout_s=timeout_s, has_secrets=has_secrets)
    with calling(context):
        return await registry.get(step_type).execute(contact, config, {})


async def asked(
    registry: ActionRegistry, step_type: str, config: dict, *, contact=ANN, key="e/s/1", ago_s=10.0, not_ids=()
) -> ActionResult:
    """One question about an attempt that was made within the last seconds."""
    now_ms = int(time.time() * 1000)
    question = Question(attempt=1, since_ms=now_ms - int(ago_s * 1000), until_ms=now_ms, not_ids=frozenset(not_ids))
    with calling(context_of(step_type, key)):
        return await registry.get(step_type).reconcile(contact, config, question)
