"""Where partitions end, asked for all at once by whoever asks at the same time."""

import asyncio
from collections.abc import Callable
from typing import Any

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import OffsetSpec

from streams.kafka.records import Place


class EndOffsets:
    """Asks for the ends that readers of committed records see: while one request is under way the next one gathers."""

    def __init__(self, client: Callable[[], Any], timeout_s: float) -> None:
        """Nothing is asked yet.

        Args:
            client: the `AdminClient` of now; it is renewed when brokers are lost.
            timeout_s: how long one request may take.
        """
        self._client, self._timeout_s = client, timeout_s
        self._asked: dict[Place, asyncio.Future[int]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def of(self, place: Place) -> int:
        """Where the partition ends now.

        Raises:
            KafkaException: the cluster said no, or nothing.
        """
        waiting = self._asked.get(place)
        if waiting is None:
            waiting = self._asked[place] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(waiting)

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                await self._answer(asked)
        finally:
            self._asking = None

    async def _answer(self, asked: dict[Place, "asyncio.Future[int]"]) -> None:
        wanted = {TopicPartition(*place): OffsetSpec.latest() for place in asked}
        futures = self._client().list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=self._timeout_s
        )
        answers = await asyncio.gather(*map(asyncio.wrap_future, futures.values()), return_exceptions=True)
        for place, answer in zip(futures, answers, strict=True):
            waiting = asked[place.topic, place.partition]
            if isinstance(answer, BaseException):
                waiting.set_exception(answer)
                waiting.exception()  # whoever asked may not wait any longer; asyncio would complain
            else:
                waiting.set_result(answer.offset)
