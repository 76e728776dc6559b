"""What the HTTP API answers about sending: the ledger of all intents, and consent."""

from datetime import datetime
from uuid import UUID

from schemas.api_bodies import Channel, LedgerOutcome
from schemas.api_resources import Resource


class LedgerEntry(Resource):
    """An intent to reach a provider: its attempts, what came of it, and what the provider said of it later."""

    action_key: str
    contact_id: str
    workflow_id: UUID | None
    enrollment_id: UUID
    step_id: str
    step_type: str
    visit: int
    channel: str
    recipient: str | None
    outcome: LedgerOutcome
    code: str | None
    attempts: int
    provider_id: str | None
    delivery: str | None
    delivery_at: datetime | None
    price: str | None
    requested_at: datetime
    settled_at: datetime | None


class Consent(Resource):
    """An address of a contact that was opted out, and whether it is allowed again."""

    channel: Channel
    address: str
    allowed: bool
    reason: str
    at: datetime


class AddressTaken(Resource):
    """An address of which consent was told, and how many contacts have it: they go by it from now on."""

    channel: Channel
    address: str
    contacts: int
    problem: str | None


class AddressesTaken(Resource):
    """What became of each address, in the order in which they were told."""

    items: list[AddressTaken]


class ContactConsent(Resource):
    """A contact's consent; an address that is not listed may be written to."""

    contact_id: str
    items: list[Consent]
