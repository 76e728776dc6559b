"""Contact events as we write them: CloudEvents 1.0 in binary mode."""

import msgspec

from domain.contact_event import ContactEvent


def cloud_event(
    event: ContactEvent, *, enrollment_id: str | None = None
) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """The value and headers of a record that holds this event, as a CloudEvent in binary mode.

    `enrollment_id` names the enrollment that caused it (`contact-changes`). The record's key is the contact id.
    """
    attributes = (
        ("ce_specversion", "1.0"),
        ("ce_id", event.id),
        ("ce_source", event.source),
        ("ce_type", event.type),
        ("ce_subject", event.contact_id),
        ("ce_time", event.time),
        ("ce_causationid", event.causation_id),
        ("ce_enrollmentid", enrollment_id),
        ("ce_hops", str(event.hops) if event.hops else None),
        ("ce_commandid", event.command_id),
        ("content-type", "application/json"),
    )
    headers = tuple([(name, text.encode()) for name, text in attributes if text is not None])
    return msgspec.json.encode(event.data), headers
