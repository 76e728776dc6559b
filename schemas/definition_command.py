"""How a definition command is written: one JSON object a record of `headrace.definition-commands`, its `type` first."""

import msgspec

from domain.definition import AnyDefinitionCommand, DefinitionCommand
from domain.errors import HeadraceError


class UnreadableDefinitionCommand(HeadraceError):
    """A record of the definition commands topic is not a command that this version of Headrace knows."""


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyDefinitionCommand] = msgspec.json.Decoder(AnyDefinitionCommand)


def encode_definition_command(command: DefinitionCommand) -> bytes:
    """The record's value; the document keeps the order of its keys."""
    return _encoder.encode(command)


def decode_definition_command(value: bytes) -> AnyDefinitionCommand:
    """The definition command in a record's value.

    Raises:
        UnreadableDefinitionCommand: the bytes are no definition command of a known type.
    """
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"expected a definition command as a JSON object, found something else: {error}"
        raise UnreadableDefinitionCommand(message) from error
