"""How a journal event is written: one JSON object a record, its `type` first, personal data under `personal`."""

from collections.abc import Sequence

import msgspec

from domain.errors import HeadraceError
from domain.journal import AnyJournalEvent, JournalEvent

POSITIONS_HEADER = "headrace-positions"
"""On the last record of each of the engine's transactions: the input positions (topic -> next offset) as JSON."""


class UnreadableJournalEvent(HeadraceError):
    """A journal record is not an event that this version of Headrace knows."""


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyJournalEvent] = msgspec.json.Decoder(AnyJournalEvent)
_positions: msgspec.json.Decoder[dict[str, int]] = msgspec.json.Decoder(dict[str, int])


def encode_event(event: JournalEvent) -> bytes:
    """The record's value."""
    return _encoder.encode(event)


def decode_event(value: bytes) -> AnyJournalEvent:
    """The event in a record's value.

    Raises:
        UnreadableJournalEvent: the bytes are no event of a known type and version.
    """
    try:
        event = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"expected a journal event, found something else: {error}"
        raise UnreadableJournalEvent(message) from error
    if event.v != 1:
        message = f"journal event {event.id} has shape version {event.v}; this version of Headrace reads 1: upgrade it"
        raise UnreadableJournalEvent(message)
    return event


def decode_events(values: Sequence[bytes]) -> list[AnyJournalEvent]:
    """The events in the values of many records, at once: half the cost of one after the other.

    Raises:
        UnreadableJournalEvent: as `decode_event`, for the first that can't be read.
    """
    try:
        events = _decoder.decode_lines(b"\n".join(values))
    except (msgspec.DecodeError, UnicodeDecodeError):
        events = []
    if len(events) == len(values) and all([event.v == 1 for event in events]):
        return events
    return [decode_event(value) for value in values]


def encode_positions(positions: dict[str, int]) -> bytes:
    """The value of the positions header."""
    return _encoder.encode(positions)


def decode_positions(value: bytes) -> dict[str, int]:
    """The input positions in the header's value."""
    return _positions.decode(value)
