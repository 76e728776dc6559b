"""`headrace journal`: the journal as it stands, on the screen or in a file."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from domain.errors import HeadraceError
from domain.spans import read_since_ms
from domain.times import format_time, read_time_ms
from headrace.cli.jobs import Here
from headrace.cli.options import URL, Json, Limit, Url
from headrace.cli.output import note, print_json, print_table
from headrace.cli.times import SINCE, UNTIL, parse_since, parse_time
from headrace.errors import UsageError

Format = Literal["jsonl", "parquet"]
Personal = Annotated[
    bool,
    typer.Option("--personal", envvar="HEADRACE_JOURNAL_PERSONAL", help="With personal data, which is else left out."),
]
Partition = Annotated[
    int | None,
    typer.Option("--partition", envvar="HEADRACE_JOURNAL_PARTITION", min=0, help="Only this partition."),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        envvar="HEADRACE_JOURNAL_SINCE",
        metavar="TIME",
        parser=parse_since,
        help=f"Events from then on: {SINCE}",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        envvar="HEADRACE_JOURNAL_UNTIL",
        metavar="TIME",
        parser=parse_time,
        help=f"Events before then: {UNTIL}  [default: now]",
    ),
]

journal = typer.Typer(help="Look at the journal, or export it.", no_args_is_help=True, rich_markup_mode=None)


class UnwritableExport(HeadraceError):
    """The export cannot be written."""


@journal.command("inspect")
def inspect_journal(
    *,
    contact: Annotated[
        str | None,
        typer.Option("--contact", envvar="HEADRACE_JOURNAL_CONTACT", metavar="ID", help="Only this contact's events."),
    ] = None,
    partition: Partition = None,
    offset: Annotated[
        int | None,
        typer.Option(
            "--from",
            envvar="HEADRACE_JOURNAL_FROM",
            min=0,
            metavar="OFFSET",
            help="Begin at this offset.  [default: 0]",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    personal: Personal = False,
    url: Url = URL,
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Show the journal events of a contact, or of a partition (by default the first)."""
    from headrace.journal_source import events, journal_at

    if contact is not None and partition is not None:
        message = "expected --contact or --partition, found both; a contact's partition is known by its id"
        raise UsageError(message)
    if offset is not None and since is not None:
        message = "expected --from or --since, found both"
        raise UsageError(message)
    query = {"contact_id": contact, "partition": partition, "offset": offset, "personal": personal}
    with journal_at(url, here=here) as fetch:
        found = list(events(fetch, limit=limit, **query, **_times(since, until)))
    if as_json:
        print_json({"items": found})
        return
    columns = ("partition", "offset", "at", "contact", "seq", "type", "what", *(("personal",) if personal else ()))
    print_table(columns, [_row(item, personal=personal) for item in found], empty="there are no such events")


@journal.command("export")
def export_journal(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            envvar="HEADRACE_JOURNAL_OUTPUT",
            help="File to write; JSON Lines else go to standard output.",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            envvar="HEADRACE_JOURNAL_FORMAT",
            help="jsonl or parquet; else by the output file's name, else jsonl.",
        ),
    ] = None,
    partition: Partition = None,
    since: Since = None,
    until: Until = None,
    personal: Personal = False,
    url: Url = URL,
    here: Here = False,
) -> None:
    """Export the journal: one event a line with its place, or a Parquet file.

    Partition after partition, each in its own order.
    """
    from headrace.journal_parquet import require_parquet
    from headrace.journal_source import journal_at

    chosen = form or ("parquet" if output is not None and output.suffix.lower() == ".parquet" else "jsonl")
    if chosen == "parquet" and output is None:
        message = "expected a file for --format parquet; name it by -o"
        raise UsageError(message)
    if chosen == "parquet":
        require_parquet()
    query = {"personal": personal, **_times(since, until)}
    with journal_at(url, here=here) as fetch:
        items = _all(fetch, partition, query)
        if output is None:
            _write_lines(items, None)
            return
        with _whole_file(output) as path:
            written = _write(items, path, chosen)
    note(f"{written:,} events were written to {output}")


def _all(fetch: Any, partition: int | None, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from headrace.journal_source import events, partitions

    numbers = range(partitions(fetch)) if partition is None else (partition,)
    for number in numbers:
        yield from events(fetch, partition=number, **query)


def _write(items: Iterator[dict[str, Any]], path: Path, form: Format) -> int:
    from headrace.journal_parquet import write_parquet

    return write_parquet(items, path) if form == "parquet" else _write_lines(items, path)


def _write_lines(items: Iterator[dict[str, Any]], path: Path | None) -> int:
    import sys

    import msgspec

    encode, written = msgspec.json.Encoder().encode, 0
    with contextlib.nullcontext(sys.stdout.buffer) if path is None else path.open("wb") as file:
        for written, item in enumerate(items, 1):  # noqa: B007 how many there were
            file.write(encode(item) + b"\n")
        file.flush()
    return written


@contextlib.contextmanager
def _whole_file(output: Path) -> Iterator[Path]:
    """A file that takes the output's name when it is whole; one that was there before stays until then."""
    part = output.with_name(f".{output.name}.part")
    try:
        yield part
        part.replace(output)
    except OSError as error:
        message = f"cannot write {output}: {(error.strerror or str(error)).lower()}"
        raise UnwritableExport(message) from error
    finally:
        part.unlink(missing_ok=True)


def _times(since: str | None, until: str | None) -> dict[str, str]:
    import time

    until_ms = None if until is None else read_time_ms(until)
    end_ms = int(time.time() * 1_000) if until_ms is None else until_ms
    since_ms = None if since is None else read_since_ms(since, end_ms)
    return {name: format_time(at_ms) for name, at_ms in (("since", since_ms), ("until", until_ms)) if at_ms is not None}


_APART = frozenset({"type", "seq", "at_ms", "contact_id", "v", "personal"})


def _row(item: dict[str, Any], *, personal: bool) -> tuple[Any, ...]:
    event = item["event"]
    what = " ".join(f"{name}={value}" for name, value in event.items() if name not in _APART)
    place = (item["partition"], item["offset"], format_time(event["at_ms"]), event["contact_id"], event["seq"])
    return (*place, event["type"], what, *((event.get("personal"),) if personal else ()))
