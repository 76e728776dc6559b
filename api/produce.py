"""The records that the API appends: contact events, commands about a contact, definition commands."""

from typing import Final

from api.services import Services
from domain.command import Command
from domain.definition import DefinitionCommand
from domain.partition import home_partition
from schemas.command import encode_command
from schemas.definition_command import encode_definition_command
from schemas.event_log import NewRecord
from schemas.topics import COMMANDS, DEFINITION_COMMANDS

_HEADERS: Final = (("content-type", b"application/json"),)


def command_record(services: Services, command: Command) -> NewRecord:
    """A command, for the partition that is its contact's home."""
    return NewRecord(
        topic=COMMANDS,
        partition=home_partition(command.contact_id, services.partitions),
        key=command.contact_id.encode(),
        value=encode_command(command),
        headers=_HEADERS,
    )


def definition_record(command: DefinitionCommand) -> NewRecord:
    """A definition command; their topic has one partition."""
    return NewRecord(
        topic=DEFINITION_COMMANDS,
        partition=0,
        key=command.workflow_id.encode(),
        value=encode_definition_command(command),
        headers=_HEADERS,
    )
