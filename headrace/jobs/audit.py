"""The job `audit`: the send ledger against what the providers say that they got."""

import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, Literal

import msgspec
import psycopg
from psycopg.rows import dict_row

from domain.audit import Finding, Intent, ProviderMessage, audit, own_ids
from domain.consent import normal_address
from domain.spans import read_since_ms
from domain.times import format_time, read_time_ms
from headrace.jobs.context import JobContext
from headrace.jobs.message import Report
from headrace.jobs.refusal import Refused
from headrace.providers import sendgrid_settings, twilio_settings
from projections.database import connect
from streams.providers.listing import CannotList, sendgrid_messages, twilio_messages

_SLACK_MS: Final = 3_600_000
"""Intents of so much before and after are looked at too: one of unknown outcome at the edge may own a message."""
_LEDGER: Final = """
    SELECT action_key, contact_id, channel, recipient, outcome, provider_id,
           (extract(epoch FROM requested_at) * 1000)::bigint AS requested_at_ms
    FROM send_ledger
    WHERE requested_at BETWEEN to_timestamp(%(since_ms)s / 1000.0) AND to_timestamp(%(until_ms)s / 1000.0)
       OR provider_id = ANY(%(ids)s) OR action_key = ANY(%(keys)s)
    ORDER BY requested_at, action_key
"""
"""Those of the span, and the owners of the messages: what waited for its provider may have been asked for long before."""
_NOBODY: Final = "no provider of this channel is set here"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which span of time, and which channels (by default all)."""

    since: str = "1d"
    """A time, a date, or a span before `until`."""
    until: str | None = None
    """A time or a date; else now."""
    channels: tuple[Literal["sms", "email"], ...] = ("sms", "email")


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `not_asked` says, by channel, why its provider could not be asked."""

    since: str
    until: str
    intents: int
    messages: int
    asked: tuple[str, ...]
    not_asked: dict[str, str]
    findings: tuple[Finding, ...]


async def run(request: Request, context: JobContext) -> Report:
    """Compare. Not `ok` when there is a finding, or when a channel with intents could not be asked about.

    Raises:
        Refused: a time can't be read.
    """
    since_ms, until_ms = _window(request)
    if since_ms >= until_ms:
        message = f"`since` ({format_time(since_ms)}) must be before `until` ({format_time(until_ms)})"
        raise Refused(message, code="invalid_request")
    messages, not_asked = await _ask(request, context, since_ms, until_ms)
    ids = {id_ for message in messages for id_ in own_ids(message)}
    keys = {message.action_key for message in messages if message.action_key}
    intents = [
        _as_sent(intent, context.settings.phone_region)
        for intent in _intents(context.database_url, since_ms - _SLACK_MS, until_ms + _SLACK_MS, ids, keys)
    ]
    asked = {channel for channel in request.channels if channel not in not_asked}
    found = audit(intents, messages, channels=asked, now_ms=time.time_ns() // 1_000_000)
    inside = {
        one.action_key
        for one in intents
        if since_ms <= one.requested_at_ms <= until_ms or one.provider_id in ids or one.action_key in keys
    }
    findings = tuple(one for one in found if one.action_key is None or one.action_key in inside)
    blind = {one.channel for one in intents if one.action_key in inside} & not_asked.keys()
    report = Audited(
        since=format_time(since_ms),
        until=format_time(until_ms),
        intents=len(inside),
        messages=len(messages),
        asked=tuple(sorted(asked)),
        not_asked=not_asked,
        findings=findings,
    )
    return Report(msgspec.to_builtins(report), ok=not findings and not blind)


def _window(request: Request) -> tuple[int, int]:
    until_ms = time.time_ns() // 1_000_000 if request.until is None else read_time_ms(request.until)
    if until_ms is None:
        message = f"expected `until` to be a time as 2026-05-01T08:00:00Z, or a date; found {request.until!r}"
        raise Refused(message, code="invalid_request", field="until")
    since_ms = read_since_ms(request.since, until_ms)
    if since_ms is None:
        message = (
            f"expected `since` to be a time as 2026-05-01T08:00:00Z, a date, or a span as 30d; found {request.since!r}"
        )
        raise Refused(message, code="invalid_request", field="since")
    return since_ms, until_ms


async def _ask(
    request: Request, context: JobContext, since_ms: int, until_ms: int
) -> tuple[list[ProviderMessage], dict[str, str]]:
    twilio = twilio_settings(context.settings, context.sandbox_url)
    sendgrid = sendgrid_settings(context.settings, context.sandbox_url)
    listings: dict[str, tuple[Any, Callable[[Any, int, int], Awaitable[list[ProviderMessage]]]]] = {
        "sms": (twilio, twilio_messages),
        "email": (sendgrid, sendgrid_messages),
    }
    messages: list[ProviderMessage] = []
    not_asked: dict[str, str] = {}
    for channel in request.channels:
        settings, listing = listings[channel]
        if settings is None:
            not_asked[channel] = _NOBODY
            continue
        try:
            messages += await listing(settings, since_ms, until_ms)
        except CannotList as error:
            not_asked[channel] = str(error)
    return messages, not_asked


def _as_sent(intent: Intent, region: str | None) -> Intent:
    """The intent with its recipient as its provider was given it."""
    recipient = intent.recipient and normal_address(intent.channel, intent.recipient, region)
    return msgspec.structs.replace(intent, recipient=recipient)


def _intents(
    database_url: str, since_ms: int, until_ms: int, ids: Collection[str], keys: Collection[str]
) -> list[Intent]:
    sought = {"since_ms": since_ms, "until_ms": until_ms, "ids": list(ids), "keys": list(keys)}
    with connect(database_url, application_name="headrace audit") as connection:
        cursor: psycopg.Cursor[dict[str, Any]] = connection.cursor(row_factory=dict_row)
        return [Intent(**row) for row in cursor.execute(_LEDGER, sought)]
