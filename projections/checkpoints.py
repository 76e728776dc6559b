"""Checkpoints: up to where each partition has been projected, moved only from where we believe them to be."""

from collections.abc import Mapping
from typing import Any, Final

import psycopg

from projections.errors import CheckpointConflict
from projections.sql_text import array_text

Source = tuple[str, int]
"""A topic and one of its partitions."""

MAKE_CHECKPOINTS: Final = """
    INSERT INTO checkpoints (topic, partition, "offset")
    SELECT topic, partition, 0 FROM unnest(%s::text[], %s::int[]) AS given (topic, partition)
    ON CONFLICT (topic, partition) DO NOTHING
"""
MAKE_PARTITIONS: Final = """
    INSERT INTO partitions (partition, catalogue_offset, reconciled_offset)
    SELECT partition, 0, 0 FROM generate_series(0, %s - 1) AS given (partition)
    ON CONFLICT (partition) DO NOTHING
"""
READ: Final = """SELECT topic, partition, "offset" FROM checkpoints"""
MOVE: Final = """
    UPDATE checkpoints SET "offset" = given.now
    FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[]) AS given (topic, partition, was, now)
    WHERE checkpoints.topic = given.topic AND checkpoints.partition = given.partition
      AND checkpoints."offset" = given.was
"""


def prepare(cursor: psycopg.Cursor[Any], sources: list[Source], partitions: int) -> None:
    """Make the rows of sources and partitions that were never projected."""
    topics, numbers = _columns(sources)
    cursor.execute(MAKE_CHECKPOINTS, [topics, numbers])
    cursor.execute(MAKE_PARTITIONS, [partitions])


def read(cursor: psycopg.Cursor[dict[str, Any]]) -> dict[Source, int]:
    """The offset of the next record to be projected, of each source."""
    return {(row["topic"], row["partition"]): row["offset"] for row in cursor.execute(READ)}


def move(cursor: psycopg.Cursor[Any], moves: Mapping[Source, tuple[int, int]]) -> None:
    """Move checkpoints from where they were to where they are now; all of them, or none.

    Raises:
        CheckpointConflict: one of them is not where it was.
    """
    ordered = sorted(moves)
    topics, numbers = _columns(ordered)
    was, now = (array_text([str(moves[source][at]) for source in ordered]) for at in (0, 1))
    try:
        cursor.execute(MOVE, [topics, numbers, was, now])
    except psycopg.errors.DeadlockDetected as error:
        raise CheckpointConflict from error
    if cursor.rowcount != len(moves):
        message = f"expected to move {len(moves)} checkpoints, found {cursor.rowcount} of them in place"
        raise CheckpointConflict(message)


def _columns(sources: list[Source]) -> tuple[str, str]:
    return array_text([topic for topic, _ in sources]), array_text([str(partition) for _, partition in sources])
