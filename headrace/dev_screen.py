"""What `headrace dev` shows: where everything is, what to try first, and live what happens."""

import shlex
import sys
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from domain import journal as j
from domain.times import format_time
from headrace.dev_options import DevOptions
from schemas.event_log import EventLog
from schemas.journal import decode_event
from schemas.topics import JOURNAL

_PHONE: Final = "+15550001111"
_TRY: Final = {
    "type": "contact.created",
    "data": {
        "contact": {
            "first_name": "Ada",
            "phone": _PHONE,
            "email": "ada@example.com",
            "source": "facebook_ad",
        }
    },
}


def announce(
    options: DevOptions,
    url: str,
    sandbox_url: str,
    *,
    sample: dict[str, Any] | None,
    seconds: float,
    stale: Sequence[str] = (),
) -> None:
    """Print the URLs and a first command to try; after an upgrade, what lacks the past until it is rebuilt."""
    faster = f" (engine time runs {options.time_scale:g} times faster)" if options.time_scale != 1 else ""
    lines = [
        f"Headrace is up after {seconds:.1f} s{faster}; data in {options.data_dir}",
        f"  console and API   {url}",
        f"  provider sandbox  {sandbox_url}   (inbox: {sandbox_url}/inbox.json)",
    ]
    if sample is not None:
        lines.append(
            f"  sample workflow   {sample['name']!r}, version {sample['published_version']} is live: {sample['id']}"
        )
    if stale:
        lines += [
            f"This read side is an older Headrace's: what came before the upgrade is not all in {', '.join(stale)}.",
            "To have it there, once:",
            f"  headrace rebuild --url {url}",
        ]
    body = shlex.quote(msgspec.json.encode(_TRY).decode())
    lines += [
        "Try it: this makes an SMS appear in the inbox" if sample is not None else "Tell of a contact like this",
        f"  curl -s -X POST {url}/api/v1/contacts/ada/events -H 'content-type: application/json' -d {body}",
        f"Then answer as her: {sandbox_url}/?to={quote(_PHONE)}",
        "Ctrl-C stops it; the next start goes on where it stopped.",
        "",
    ]
    print("\n".join(lines), flush=True)  # noqa: T201 this is the screen


async def follow(log: EventLog, partitions: int) -> None:
    """Print each journal event as it is committed; ids and words only, no personal data."""
    positions = {(JOURNAL, n): await log.end_offset(JOURNAL, n) for n in range(partitions)}
    while True:
        await log.wait(positions, timeout=60)
        for (topic, partition), offset in list(positions.items()):
            records = await log.read(topic, partition, offset, limit=1_000)
            for record in records[-20:]:
                _show(decode_event(record.value or b""))
            if len(records) > 20:  # noqa: PLR2004 a screen has so many lines
                _print(f"... and {len(records) - 20} more")
            positions[topic, partition] = records.next


def _show(event: j.JournalEvent) -> None:
    if event.contact_id != j.PARTITION_KEY:
        words = [f"{name}={getattr(event, name)}" for name in _SHOWN if getattr(event, name, None) is not None]
        if isinstance(event, j.TimerSet | j.EventAwaited) and event.due_at_ms is not None:
            words.append(f"until {format_time(event.due_at_ms)}")
        elif isinstance(event, j.SendHeld):
            words.append(f"until {format_time(event.until_ms)}")
        _print(f"{format_time(event.at_ms)}  {event.contact_id}  {event.__struct_config__.tag}  {' '.join(words)}")


_SHOWN: Final = (
    "event_type",
    "workflow_id",
    "version",
    "step_id",
    "branch",
    "channel",
    "attempt",
    "code",
    "reason",
    "result",
)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
