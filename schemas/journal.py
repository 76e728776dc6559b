"""How a journal event is written: one JSON object a record, its `type` first, personal data under `personal`."""

from collections.abc import Sequence

import msgspec

from domain.errors import HeadraceError
from domain.journal import AnyJournalEvent, JournalEvent
from schemas.upcasters import JOURNAL_UPCASTERS
from schemas.versioned import UnknownShape, VersionedCodec

POSITIONS_HEADER = "headrace-positions"
"""On the last record of each of the engine's transactions: the input positions (topic -> next offset) as JSON."""


class UnreadableJournalEvent(HeadraceError):
    """A journal record is not an event that this version of Headrace knows."""


_codec: VersionedCodec[AnyJournalEvent] = VersionedCodec(AnyJournalEvent, JOURNAL_UPCASTERS, noun="journal event")
_encoder = msgspec.json.Encoder()
_positions: msgspec.json.Decoder[dict[str, int]] = msgspec.json.Decoder(dict[str, int])


def encode_event(event: JournalEvent) -> bytes:
    """The record's value."""
    return _codec.encode(event)


def decode_event(value: bytes) -> AnyJournalEvent:
    """The event in a record's value, in the newest shape of its type.

    Raises:
        UnreadableJournalEvent: the bytes are no event of a known type and version.
    """
    try:
        return _codec.decode(value)
    except UnknownShape as error:
        raise UnreadableJournalEvent(str(error)) from error


def decode_events(values: Sequence[bytes]) -> list[AnyJournalEvent]:
    """The events in the values of many records, at once: half the cost of one after the other.

    Raises:
        UnreadableJournalEvent: as `decode_event`, for the first that can't be read.
    """
    try:
        return _codec.decode_many(values)
    except UnknownShape as error:
        raise UnreadableJournalEvent(str(error)) from error


def encode_positions(positions: dict[str, int]) -> bytes:
    """The value of the positions header."""
    return _encoder.encode(positions)


def decode_positions(value: bytes) -> dict[str, int]:
    """The input positions in the header's value."""
    return _positions.decode(value)
