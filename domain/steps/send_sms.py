"""Step kind `send_sms`: a text message to the contact's phone, or to a number that is given."""

import msgspec

from domain.errors import StepError
from domain.fields import Scope
from domain.steps.outcome import Ask, Outcome
from domain.templates import Template
from domain.workflow import Step

CHANNEL = "sms"


class SendSms(msgspec.Struct, frozen=True, kw_only=True):
    """The text, and the recipient when it is not the contact."""

    body: Template
    to: Template | None = None


def enter(step: Step, scope: Scope) -> Outcome:
    """Ask for the rendered message to be sent.

    Raises:
        StepError: the contact has no phone number, or the text came out empty.
    """
    config: SendSms = step.config
    to = config.to.render(scope).strip() if config.to else scope.contact.phone
    if not to:
        raise StepError("no_phone", "the contact has no phone number; set `phone`, or give the step a `to`")
    body = config.body.render(scope)
    if not body.strip():
        raise StepError("empty_message", "the text came out empty; a provider would refuse it")
    return Ask(channel=CHANNEL, request={"to": to, "body": body})
