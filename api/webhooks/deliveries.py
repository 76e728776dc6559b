"""What a callback says of a message, as the command that tells the contact's partition."""

from uuid import UUID

from multidict import MultiDict

from domain.command import ReportDelivery
from domain.delivery import RANKS
from domain.ids import deterministic_uuid

_MAX_TEXT = 512


def report_of(
    *,
    provider: str,
    action_key: str,
    contact_id: str,
    channel: str,
    status: str,
    event_id: str,
    recipient: str,
    provider_id: str | None,
    code: str | None = None,
    occurred_at_ms: int | None = None,
) -> ReportDelivery | None:
    """The command; None when the action key is none of ours. The same callback gives the same command id."""
    enrollment_id, _, rest = action_key.partition("/")
    step_id, _, visit = rest.rpartition("/")
    if status not in RANKS or not step_id or not (visit.isascii() and visit.isdigit()) or not _is_uuid(enrollment_id):
        return None
    return ReportDelivery(
        command_id=deterministic_uuid("delivery", provider, provider_id or "", event_id, status),
        contact_id=contact_id,
        enrollment_id=enrollment_id,
        step_id=step_id[:_MAX_TEXT],
        visit=int(visit[:9]),
        action_key=action_key,
        channel=channel,
        status=status,
        recipient=recipient[:_MAX_TEXT],
        provider_id=provider_id[:_MAX_TEXT] if provider_id else None,
        code=code[:_MAX_TEXT] if code else None,
        occurred_at_ms=occurred_at_ms,
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def first(form: MultiDict[str], name: str) -> str:
    """A field of a form, cut and without what a journal can't hold; empty when it is missing."""
    return form.get(name, "").replace("\0", "")
