"""The log to read, wherever it is: on Kafka when HEADRACE_KAFKA is set, else in the data directory."""

import contextlib
from collections.abc import AsyncIterator

from headrace.settings import Settings, load_settings
from schemas.event_log import LogReader


@contextlib.asynccontextmanager
async def open_log() -> AsyncIterator[LogReader]:
    """Open the log that the environment names, to read only; a function of a module, so that it can be pickled.

    Raises:
        LogUnreadable: the data directory holds no log.
        KafkaUnreachable: no broker answers.
    """
    log = await _open(load_settings())
    try:
        yield log
    finally:
        await log.close()


async def _open(settings: Settings) -> LogReader:
    # Each import costs what the other host does not need.
    if settings.kafka is not None:
        from headrace.kafka_settings import kafka_settings  # noqa: PLC0415
        from streams.kafka.log import KafkaEventLog  # noqa: PLC0415

        return await KafkaEventLog.open(kafka_settings(settings))
    from streams.embedded.reader import EmbeddedLogReader  # noqa: PLC0415

    return await EmbeddedLogReader.open(settings.data_dir / "log")
