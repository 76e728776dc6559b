"""How a definition event is written: one JSON object a record of the topic `headrace.definitions`."""

import msgspec

from domain.definition import AnyDefinitionEvent, DefinitionEvent
from domain.errors import HeadraceError


class UnreadableDefinitionEvent(HeadraceError):
    """A record of the definitions topic is not an event that this version of Headrace knows."""


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyDefinitionEvent] = msgspec.json.Decoder(AnyDefinitionEvent)


def encode_definition_event(event: DefinitionEvent) -> bytes:
    """The record's value."""
    return _encoder.encode(event)


def decode_definition_event(value: bytes) -> AnyDefinitionEvent:
    """The event in a record's value.

    Raises:
        UnreadableDefinitionEvent: the bytes are no definition event.
    """
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"expected a definition event, found something else: {error}"
        raise UnreadableDefinitionEvent(message) from error
