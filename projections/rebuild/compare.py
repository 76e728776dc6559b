"""Comparing live with rebuilt: row counts and checksums of each table, and the first rows that differ."""

from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

from projections.rebuild.report import ColumnDifference, Difference, TableComparison
from projections.tables import metadata

SHOWN: Final = 5
"""How many differing rows of a table are told."""

SUM: Final = sql.SQL("SELECT count(*) AS rows, sum(hashtextextended(t::text, 0))::text AS checksum FROM {} AS t")
"""A sum, so that the order of rows makes no difference; over a row's text, so that 1.0 differs from 1.00."""
_PAIRS: Final = """
    FROM {live} AS l FULL JOIN {rebuilt} AS r ON ({match}) WHERE l::text IS DISTINCT FROM r::text
"""
COUNT: Final = sql.SQL("SELECT count(*) AS differing" + _PAIRS)
FIRST: Final = sql.SQL(
    "SELECT to_jsonb(l)::text AS live, to_jsonb(r)::text AS rebuilt" + _PAIRS + "ORDER BY {order} LIMIT {limit}"
)

Row = dict[str, msgspec.Raw]
_decode_row: Final = msgspec.json.Decoder(Row | None).decode


def compare_table(cursor: psycopg.Cursor[dict[str, Any]], table: str, live: str, rebuilt: str) -> TableComparison:
    """Compare a table of two schemas, as the cursor's snapshot has them."""
    sums = [_sum(cursor, schema, table) for schema in (live, rebuilt)]
    (rows_live, checksum_live), (rows_rebuilt, checksum_rebuilt) = sums
    comparison = TableComparison(
        table=table,
        equal=sums[0] == sums[1],
        rows_live=rows_live,
        rows_rebuilt=rows_rebuilt,
        checksum_live=checksum_live,
        checksum_rebuilt=checksum_rebuilt,
    )
    if comparison.equal:
        return comparison
    differing, first = _differences(cursor, table, live, rebuilt)
    return msgspec.structs.replace(comparison, differing=differing, first=first)


def _sum(cursor: psycopg.Cursor[dict[str, Any]], schema: str, table: str) -> tuple[int, str]:
    row = cursor.execute(SUM.format(sql.Identifier(schema, table))).fetchone()
    assert row is not None, "an aggregate gives a row"
    return row["rows"], f"{int(row['checksum'] or 0) % 2**64:016x}"


def _differences(
    cursor: psycopg.Cursor[dict[str, Any]], table: str, live: str, rebuilt: str
) -> tuple[int, list[Difference]]:
    keys = [str(column.name) for column in metadata.tables[table].primary_key]
    names = {
        "live": sql.Identifier(live, table),
        "rebuilt": sql.Identifier(rebuilt, table),
        "match": sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier("l", key), sql.Identifier("r", key)) for key in keys
        ),
        "order": sql.SQL(", ").join(
            sql.SQL("coalesce({}, {})").format(sql.Identifier("l", key), sql.Identifier("r", key)) for key in keys
        ),
        "limit": sql.Literal(SHOWN),
    }
    counted = cursor.execute(COUNT.format(**names)).fetchone()
    first = [
        difference(keys, _decode_row(row["live"] or "null"), _decode_row(row["rebuilt"] or "null"))
        for row in cursor.execute(FIRST.format(**names))
    ]
    return (counted or {}).get("differing", 0), first


def difference(keys: list[str], live: Row | None, rebuilt: Row | None) -> Difference:
    """In what two rows of one key differ; one of them may be missing."""
    if live is None or rebuilt is None:
        row = live or rebuilt or {}
        return Difference({key: row[key] for key in keys}, "in live only" if rebuilt is None else "rebuilt only")
    columns = [
        ColumnDifference(name, live[name], rebuilt[name]) for name in live if bytes(live[name]) != bytes(rebuilt[name])
    ]
    return Difference({key: live[key] for key in keys}, "in both", columns)
