"""Which agent takes which topic: plain async functions, registered with the Faust app by the composition root."""

from collections.abc import Awaitable, Callable

from schemas.topics import DEFINITION_COMMANDS, Topics
from streams.batch import Batch
from streams.engine_host import EngineHost

Handler = Callable[[Batch], Awaitable[None]]


def agents(engine: EngineHost, topics: Topics) -> dict[str, Handler]:
    """The handler of each topic that the engine consumes."""
    return {
        **dict.fromkeys(topics.inputs, engine.take_input),
        DEFINITION_COMMANDS: engine.take_definition_commands,
    }
