"""The exit codes of `headrace`, and which error means which."""

from typing import Final

from domain.errors import HeadraceError
from headrace.api_client import ApiUnreachable
from headrace.errors import UsageError
from streams.kafka.errors import KafkaUnreachable

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3

EPILOG: Final = """\b
Exit codes:
  0  done
  1  the thing that was asked for failed: a definition has errors, something was not found or refused
  2  the command was called wrongly
  3  Headrace, or the Kafka cluster, could not be reached

Every option can also be set by the environment variable that its help names. HEADRACE_DEBUG=1 shows tracebacks."""


def exit_code(error: HeadraceError) -> int:
    """The exit code that an error ends the command with."""
    if isinstance(error, ApiUnreachable | KafkaUnreachable):
        return UNREACHABLE
    return USAGE if isinstance(error, UsageError) else FAILED
