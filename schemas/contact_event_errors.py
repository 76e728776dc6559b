"""Why a record is no contact event."""

from typing import Final

from domain.errors import HeadraceError

MAX_EVENT_BYTES: Final = 256 * 1_024
"""A larger event is dead-lettered; what is journaled of a smaller one fits a record of Kafka's default 1 MiB."""

MAX_CONTACT_ID: Final = 128
REASONS: Final = {
    "tombstone": "the record has no value",
    "oversize": f"the record is larger than {MAX_EVENT_BYTES:,} bytes",
    "not_json": "the value is not JSON in UTF-8",
    "not_object": "the value is JSON and not an object",
    "bad_content_type": "the content type is not JSON",
    "bad_specversion": "it is a CloudEvent of another version than 1",
    "bad_type": "the type is missing, empty, too long, or no text",
    "no_contact_id": "neither the event nor the record's key names a contact",
    "bad_contact_id": f"the contact id is no text of 1 to {MAX_CONTACT_ID} characters without control characters",
    "bad_id": "the id is empty, too long, or no text",
    "bad_source": "the source is empty, too long, or no text",
    "bad_time": "the time is not RFC 3339",
    "bad_extension": "causationid, hops or commandid is not as it should be",
    "bad_data": "the data has not the shape that its type needs",
}
"""Why an event can't be read: the short codes of the dead letters."""


class UnreadableContactEvent(HeadraceError):
    """A record is no contact event; `reason` is a code of `REASONS`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
