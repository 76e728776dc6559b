"""What a job and its parent say to each other: a request on standard input, messages as JSON Lines on standard output."""

from typing import Any, Final

import msgspec

CONTENT_TYPE: Final = "application/x-ndjson"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be done; `body` is the kind's own."""

    kind: str
    body: dict[str, Any] = {}


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far a job is: `done` of `total` units (None: not known), and how many it does in a second."""

    done: int
    total: int | None
    unit: str
    per_second: float


class Report(msgspec.Struct, frozen=True, tag="report"):
    """The job's last word: what came of it. `ok` False: it was done, and what it found is not as it should be."""

    report: Any
    ok: bool = True


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The job's last word when it could not be done. `status` is the HTTP status that fits."""

    status: int
    code: str
    detail: str
    extras: dict[str, Any] = {}


Message = Progress | Report | Failure

encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(Message).decode


def encode_line(message: Message) -> bytes:
    """A message as a line of JSON."""
    return encode(message) + b"\n"
