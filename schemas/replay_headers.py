"""The headers that a replayed record carries beside its own."""

from typing import Final

ORIGINAL_HEADER: Final = "headrace-original"
"""Where the record first stood, as topic/partition/offset: its id, unless it has one of its own."""
COMMAND_HEADER: Final = "headrace-command"
"""The command that asked for the replay: the engine journals its result."""
