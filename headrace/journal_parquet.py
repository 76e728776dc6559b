"""Journal events as a Parquet file: what every query asks for as columns, the rest of each event as JSON."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from domain.errors import HeadraceError

_ROWS: Final = 50_000
"""Rows of a group: what is held in memory."""
_TEXTS: Final = ("contact_id", "type", "enrollment_id", "workflow_id", "step_id")
_NUMBERS: Final = ("seq", "v", "version", "visit")


class NoParquet(HeadraceError):
    """Parquet files need pyarrow: `pip install 'headrace[parquet]'`, or use `--format jsonl`."""


def write_parquet(items: Iterable[dict[str, Any]], path: Path) -> int:
    """Write the items; gives how many there were.

    Raises:
        NoParquet: pyarrow is not installed.
    """
    require_parquet()
    import pyarrow as pa  # noqa: PLC0415 an extra
    from pyarrow import parquet  # noqa: PLC0415

    schema = pa.schema(
        [
            ("partition", pa.int32()),
            ("offset", pa.int64()),
            ("at", pa.timestamp("ms", tz="UTC")),
            *((name, pa.string()) for name in _TEXTS),
            *((name, pa.int64()) for name in _NUMBERS),
            ("data", pa.string()),
            ("personal", pa.string()),
        ]
    )
    written = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in _groups(_row(item) for item in items):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            written += len(rows)
    return written


def require_parquet() -> None:
    """See that Parquet can be written.

    Raises:
        NoParquet: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415
    except ImportError as error:
        raise NoParquet from error


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while group := list(islice(rows, _ROWS)):
        yield group


def _row(item: dict[str, Any]) -> dict[str, Any]:
    event = dict(item["event"])
    personal = event.pop("personal", None)
    row = {"partition": item["partition"], "offset": item["offset"], "at": event.pop("at_ms"), "v": event.pop("v", 1)}
    row |= {name: event.pop(name) for name in (*_TEXTS, *_NUMBERS) if name in event}
    return {
        **row,
        "data": json.dumps(event, ensure_ascii=False) if event else None,
        "personal": json.dumps(personal, ensure_ascii=False) if personal else None,
    }
