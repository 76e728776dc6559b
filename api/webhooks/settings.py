"""What the webhooks need to know: our address as providers see it, and what their signatures are checked with."""

from dataclasses import dataclass, field
from typing import Literal

UnknownSender = Literal["create", "dead_letter"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSettings:
    """How callbacks are checked; a provider without its secret is not listened to."""

    public_url: str = ""
    """The URL under which providers call us, without a trailing slash: Twilio signs the address that it called."""
    twilio_auth_token: str | None = field(default=None, repr=False)
    sendgrid_public_key: str | None = None
    """The verification key of SendGrid's event webhook (base64 of its DER form)."""
    unknown_sender: UnknownSender = "create"
    """What an SMS from a number that no contact has becomes: a new contact's, or a dead letter."""
    phone_region: str | None = None
    """The country (ISO 3166) of contacts' numbers that name none."""
    tolerance_s: float = 600.0
    """How old a signed time may be, or how far in the future."""
