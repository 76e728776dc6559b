"""Reading a suppression list: a CSV file as other systems export one, with the line of each address."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.errors import UsageError

_CHANNEL_OF: Final = {"phone": "sms", "email": "email"}
_LONGEST: Final = 200
_EXPECTED: Final = "expected a first line that names a column `phone`, `email`, or `address`"


class Listed(NamedTuple):
    """An address of the list."""

    line: int
    channel: str
    address: str


def read_list(file: Path, channel: str | None) -> list[Listed]:
    """The addresses of a file; a channel that is given is of all that name none.

    Raises:
        UsageError: it can't be read, or does not say what its columns are.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            return list(_addresses(file, _rows(text), channel))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        words = (getattr(error, "strerror", None) or str(error)).lower()
        message = f"cannot read {file} as a list of addresses in CSV (UTF-8): {words}"
        raise UsageError(message) from error


def _rows(text: Any) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold anything, with their numbers; commas or semicolons are between their fields."""
    first = text.readline()
    text.seek(0)
    reader = csv.reader(text, delimiter=";" if first.count(";") > first.count(",") else ",")
    for row in reader:
        fields = [field.strip() for field in row]
        if any(fields):
            yield reader.line_num, fields


def _addresses(file: Path, rows: Iterator[tuple[int, list[str]]], channel: str | None) -> Iterator[Listed]:
    number, first = next(rows, (1, []))
    columns = [name.lower() for name in first]
    of_channel = [(columns.index(name), _CHANNEL_OF[name]) for name in _CHANNEL_OF if name in columns]
    if "address" in columns:
        if channel is None and "channel" not in columns:
            message = f"{file}, line {number}: of which channel are the addresses? Add --channel sms|email, or a column `channel`"
            raise UsageError(message)
        for line, fields in rows:
            named = _field(fields, columns.index("channel")) if "channel" in columns else ""
            yield from _listed(file, line, (named or channel or "").lower(), _field(fields, columns.index("address")))
    elif of_channel:
        for line, fields in rows:
            for place, own in of_channel:
                yield from _listed(file, line, own, _field(fields, place))
    elif channel is not None:  # a bare list: its first line is an address, too
        for line, fields in ((number, first), *rows):
            yield from _listed(file, line, channel, _field(fields, 0))
    else:
        message = f"{file}, line {number}: {_EXPECTED}, found {', '.join(first) or 'nothing'}; or --channel, for addresses alone"
        raise UsageError(message)


def _field(fields: list[str], place: int) -> str:
    return fields[place] if place < len(fields) else ""


def _listed(file: Path, line: int, channel: str, address: str) -> Iterator[Listed]:
    if not address:
        return
    if channel not in ("sms", "email"):
        message = f"{file}, line {line}: expected the channel sms or email, found {channel or 'none'!r}"
        raise UsageError(message)
    if len(address) > _LONGEST or "\0" in address:
        message = f"{file}, line {line}: that is no address: {address[:40]!r} ..."
        raise UsageError(message)
    yield Listed(line, channel, address)
