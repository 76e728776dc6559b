"""Record batches: every record once and in order, numbered without a gap, at most one batch of a partition in a request."""

from collections.abc import Sequence

import pytest
from aiokafka.record.default_records import DefaultRecordBatch

from schemas.event_log import NewRecord
from streams.kafka.record_batches import BATCH_BYTES, BatchEncoder, ProducerId, RecordBatch
from streams.kafka.settings import Compression

PRODUCER = ProducerId(7, 3)


def new(value: bytes | None, *, partition: int = 0, topic: str = "t", **fields: object) -> NewRecord:
    return NewRecord(**{"topic": topic, "partition": partition, "key": b"k", "value": value, **fields})  # type: ignore[arg-type]


def rounds(
    records: Sequence[NewRecord], encoder: BatchEncoder | None = None
) -> list[dict[tuple[str, int], RecordBatch]]:
    return list((encoder or BatchEncoder(PRODUCER, "none")).rounds(records, 1_000))


def read(batch: RecordBatch) -> DefaultRecordBatch:
    return DefaultRecordBatch(batch.content)


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_was_written_is_read_again(compression: Compression) -> None:
    records = [new(b"value %d" % n * 50, headers=(("h", b"%d" % n),)) for n in range(20)] + [new(None, key=None)]
    ((batch,),) = [found.values() for found in rounds(records, BatchEncoder(PRODUCER, compression))]
    found = read(batch)
    assert found.validate_crc()
    assert found.is_transactional
    assert (found.producer_id, found.producer_epoch, found.base_sequence) == (7, 3, 0)
    again = [(record.key, record.value, tuple(record.headers), record.timestamp) for record in found]
    assert again == [(record.key, record.value, record.headers, 1_000) for record in records]


def test_each_partition_s_records_are_a_batch_in_one_round() -> None:
    records = [new(b"a"), new(b"b", partition=1), new(b"c"), new(b"d", topic="u")]
    (only,) = rounds(records)
    assert {place: [record.value for record in read(batch)] for place, batch in only.items()} == {
        ("t", 0): [b"a", b"c"],
        ("t", 1): [b"b"],
        ("u", 0): [b"d"],
    }


def test_what_is_more_than_a_batch_goes_on_in_the_next_round() -> None:
    large = [bytes([n]) * (BATCH_BYTES // 3) for n in range(7)]
    found = rounds([*map(new, large), new(b"other", partition=1)])
    assert [list(batches) for batches in found] == [[("t", 0), ("t", 1)], [("t", 0)], [("t", 0)], [("t", 0)]]
    batches = [batches["t", 0] for batches in found]
    assert [record.value for batch in batches for record in read(batch)] == large
    assert [read(batch).base_sequence for batch in batches] == [0, 2, 4, 6]


def test_a_record_that_is_larger_than_a_batch_is_one() -> None:
    assert [batches["t", 0].count for batches in rounds([new(b"x" * 2 * BATCH_BYTES), new(b"small")])] == [1, 1]


def test_numbers_go_on_from_transaction_to_transaction_and_begin_again_after_the_last() -> None:
    encoder = BatchEncoder(PRODUCER, "none")
    sequences = []
    for count in (2, 3, 1):
        (batches,) = rounds([new(b"x")] * count, encoder)
        sequences.append(read(batches["t", 0]).base_sequence)
    assert sequences == [0, 2, 5]
    encoder._sequences["t", 0] = 2**31 - 1
    assert [read(rounds([new(b"x")], encoder)[0]["t", 0]).base_sequence for _ in range(2)] == [2**31 - 1, 0]


def test_no_records_are_no_batches() -> None:
    assert rounds([]) == []
