"""What librdkafka and aiokafka log, at a rate that can be read: in an outage each of many clients tells of each attempt."""

import logging
import time
from typing import Final

_INTERVAL_S: Final = 10.0


class EverySoOften(logging.Filter):
    """Lets a kind of line (its first word: librdkafka's facility, as FAIL) pass once in ten seconds, whoever says it."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be logged."""
        kind = record.getMessage().partition(" ")[0]
        now = time.monotonic()
        if now < self._next.get(kind, 0.0):
            return False
        self._next[kind] = now + _INTERVAL_S
        return True


LOGGER: Final = logging.getLogger("librdkafka")
LOGGER.addFilter(EverySoOften())
for _name in ("aiokafka", "aiokafka.consumer.fetcher", "aiokafka.consumer.group_coordinator"):
    logging.getLogger(_name).addFilter(EverySoOften())  # a logger's filter does not hold for those below it
