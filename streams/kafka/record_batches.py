"""Record batches as brokers store them: what one producer writes to one partition in one go."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from schemas.event_log import NewRecord
from streams.kafka.records import Place
from streams.kafka.settings import Compression

BATCH_BYTES: Final = 1_000_000
"""So large may a batch be before it is compressed; only a record that alone is larger makes a larger one."""
_SEQUENCES: Final = 2**31
_MAGIC: Final = 2
_CODECS: Final[dict[Compression, int]] = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


class ProducerId(msgspec.Struct, frozen=True):
    """Who a broker takes a batch from: an older epoch of the same id is fenced."""

    id: int
    epoch: int


class RecordBatch(msgspec.Struct, frozen=True):
    """Consecutive records of one partition, encoded."""

    count: int
    content: bytes


class BatchEncoder:
    """Makes the batches of one producer in a transaction; it numbers the records of each partition without a gap."""

    def __init__(self, producer: ProducerId, compression: Compression) -> None:
        self._producer, self._codec = producer, _CODECS[compression]
        self._sequences: defaultdict[Place, int] = defaultdict(int)

    def rounds(self, records: Iterable[NewRecord], now_ms: int) -> Iterator[dict[Place, RecordBatch]]:
        """All records in order, at most one batch of a partition in each round, as brokers want it in one request."""
        left: defaultdict[Place, list[NewRecord]] = defaultdict(list)
        for record in records:
            left[record.topic, record.partition].append(record)
        while left:
            batches = {place: self._encode(place, waiting, now_ms) for place, waiting in left.items()}
            yield batches
            for place, batch in batches.items():
                del left[place][: batch.count]
                if not left[place]:
                    del left[place]

    def _encode(self, place: Place, records: Sequence[NewRecord], now_ms: int) -> RecordBatch:
        """As many of the first records as a batch takes."""
        first, producer = self._sequences[place], self._producer
        builder = DefaultRecordBatchBuilder(_MAGIC, self._codec, 1, producer.id, producer.epoch, first, BATCH_BYTES)
        count = 0
        for record in records:
            if builder.append(count, now_ms, record.key, record.value, list(record.headers)) is None:
                break  # it is full
            count += 1
        self._sequences[place] = (first + count) % _SEQUENCES
        return RecordBatch(count, bytes(builder.build()))
