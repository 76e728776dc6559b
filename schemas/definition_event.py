"""How a definition event is written: one JSON object a record of the topic `headrace.definitions`."""

from domain.definition import AnyDefinitionEvent, DefinitionEvent
from domain.errors import HeadraceError
from schemas.upcasters import DEFINITION_UPCASTERS
from schemas.versioned import UnknownShape, VersionedCodec


class UnreadableDefinitionEvent(HeadraceError):
    """A record of the definitions topic is not an event that this version of Headrace knows."""


_codec: VersionedCodec[AnyDefinitionEvent] = VersionedCodec(
    AnyDefinitionEvent, DEFINITION_UPCASTERS, noun="definition event"
)


def encode_definition_event(event: DefinitionEvent) -> bytes:
    """The record's value."""
    return _codec.encode(event)


def decode_definition_event(value: bytes) -> AnyDefinitionEvent:
    """The event in a record's value, in the newest shape of its type.

    Raises:
        UnreadableDefinitionEvent: the bytes are no definition event of a known type and version.
    """
    try:
        return _codec.decode(value)
    except UnknownShape as error:
        raise UnreadableDefinitionEvent(str(error)) from error
