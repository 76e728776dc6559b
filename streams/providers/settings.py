"""What the provider adapters are told: addresses, senders and secrets (which never show in a repr)."""

from dataclasses import dataclass, field

from domain.errors import HeadraceError


class InvalidSettings(HeadraceError):
    """A provider's settings do not hold together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """Twilio's account and the sender: a number, or a messaging service."""

    account_sid: str
    auth_token: str = field(repr=False)
    from_number: str | None = None
    messaging_service_sid: str | None = None
    base_url: str | None = None
    """Instead of Twilio's own address: a sandbox."""
    public_url: str = ""
    """Where Twilio reaches our API; status callbacks carry the action key there. Empty: no callbacks."""
    phone_region: str | None = None
    """The country (ISO 3166) of numbers that name none; None: such numbers are refused."""

    def __post_init__(self) -> None:
        if not (self.from_number or self.messaging_service_sid):
            raise InvalidSettings(
                "Twilio needs a sender: set HEADRACE_TWILIO_FROM or HEADRACE_TWILIO_MESSAGING_SERVICE_SID"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridSettings:
    """SendGrid's key and the sender."""

    api_key: str = field(repr=False)
    from_email: str
    from_name: str | None = None
    base_url: str | None = None
    """Instead of SendGrid's own address: a sandbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where `http_request` may go although the address is not public: host names, addresses, networks."""

    allow: tuple[str, ...] = ()
