"""How a command is written: one JSON object a record of `headrace.commands`, keyed by contact id, its `type` first."""

import msgspec

from domain.command import AnyCommand, Command
from domain.errors import HeadraceError


class UnreadableCommand(HeadraceError):
    """A record of the commands topic is not a command that this version of Headrace knows."""


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


def encode_command(command: Command) -> bytes:
    """The record's value."""
    return _encoder.encode(command)


def decode_command(value: bytes) -> AnyCommand:
    """The command in a record's value.

    Raises:
        UnreadableCommand: the bytes are no command of a known type.
    """
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"expected a command as a JSON object, found something else: {error}"
        raise UnreadableCommand(message) from error
