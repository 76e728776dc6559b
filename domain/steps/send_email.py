"""Step kind `send_email`: a message to the contact's e-mail address, by text or by a SendGrid template."""

from typing import Any

import msgspec

from domain.contact import Contact
from domain.errors import StepError
from domain.fields import Scope
from domain.steps.outcome import Ask, Outcome
from domain.templates import Template
from domain.workflow import Step

CHANNEL = "email"


class SendEmail(msgspec.Struct, frozen=True, kw_only=True):
    """Subject and text (with or without HTML), or the id of a SendGrid dynamic template."""

    subject: Template | None = None
    body: Template | None = None
    html: Template | None = None
    to: Template | None = None
    sendgrid_template_id: str | None = None


def enter(step: Step, scope: Scope) -> Outcome:
    """Ask for the rendered message to be sent.

    Raises:
        StepError: the contact has no e-mail address.
    """
    config: SendEmail = step.config
    to = config.to.render(scope).strip() if config.to else scope.contact.email
    if not to:
        raise StepError("no_email", "the contact has no e-mail address; set `email`, or give the step a `to`")
    request: dict[str, Any] = {"to": to}
    for name in ("subject", "body", "html"):
        text: Template | None = getattr(config, name)
        if text is not None:
            request[name] = text.render(scope)
    if config.sendgrid_template_id:
        request["sendgrid_template_id"] = config.sendgrid_template_id
        request["data"] = {"contact": _as_data(scope.contact)}
    return Ask(channel=CHANNEL, request=request)


def _as_data(contact: Contact) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(contact)
    for name in ("created", "created_at_ms", "updated_at_ms"):
        data.pop(name, None)
    return data
