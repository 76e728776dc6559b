"""What the providers say that they got: their messages of a span of time, for the audit."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import msgspec
import requests
from twilio.base.exceptions import TwilioException

from domain.audit import ProviderMessage
from domain.errors import HeadraceError
from streams.providers.proxy import proxy_for
from streams.providers.settings import SendGridSettings, TwilioSettings
from streams.providers.twilio_sms import TWILIO, OneRequest, client_of, session_for

_TIMEOUT_S: Final = 60.0
_PAGE: Final = 1_000
SENDGRID: Final = "https://api.sendgrid.com"


class CannotList(HeadraceError):
    """A provider does not tell what it got."""


async def twilio_messages(settings: TwilioSettings, since_ms: int, until_ms: int) -> list[ProviderMessage]:
    """The messages that the account sent in the span (https://www.twilio.com/docs/messaging/api/message-resource).

    Raises:
        CannotList: Twilio could not be asked.
    """
    try:
        return await asyncio.to_thread(lambda: list(_twilio(settings, since_ms, until_ms)))
    except (TwilioException, OSError, requests.RequestException, ValueError) as error:
        message = f"Twilio could not be asked for its messages: {error}"
        raise CannotList(message) from error


def _twilio(settings: TwilioSettings, since_ms: int, until_ms: int) -> Iterator[ProviderMessage]:
    session = session_for(settings.base_url or TWILIO, threads=1)
    try:
        client = client_of(settings, OneRequest(session, _TIMEOUT_S))
        span = {"date_sent_after": _moment(since_ms), "date_sent_before": _moment(until_ms)}
        for sent in client.messages.stream(**span, page_size=_PAGE):
            if str(sent.direction).startswith("outbound"):
                at = sent.date_sent or sent.date_created
                yield ProviderMessage(channel="sms", provider_id=sent.sid, to=sent.to, at_ms=_ms(at, since_ms))
    finally:
        session.close()


async def sendgrid_messages(settings: SendGridSettings, since_ms: int, until_ms: int) -> list[ProviderMessage]:
    """The e-mails of the span, by SendGrid's Email Activity (an add-on of the account, at most 1,000 a question).

    Spans with more are asked in halves.

    Raises:
        CannotList: the account has no Email Activity, or SendGrid could not be asked.
    """
    url = (settings.base_url or SENDGRID).rstrip("/") + "/v3/messages"
    headers = {"Authorization": f"Bearer {settings.api_key}"}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=timeout, proxy=proxy_for(url)) as session:
            return await _sendgrid(session, url, since_ms, until_ms)
    except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, LookupError, TypeError) as error:
        message = f"SendGrid could not be asked for its messages: {type(error).__name__}: {error}"
        raise CannotList(message) from error


async def _sendgrid(session: aiohttp.ClientSession, url: str, since_ms: int, until_ms: int) -> list[ProviderMessage]:
    span = f'last_event_time BETWEEN TIMESTAMP "{_stamp(since_ms)}" AND TIMESTAMP "{_stamp(until_ms)}"'
    async with session.get(url, params={"limit": str(_PAGE), "query": span}) as answer:
        if answer.status != HTTPStatus.OK:
            message = f"SendGrid answers {answer.status} to the question for its messages: Email Activity is an add-on"
            raise CannotList(message)
        found: list[dict[str, Any]] = msgspec.json.decode(await answer.read())["messages"]
    middle_ms = (since_ms + until_ms) // 2
    if len(found) >= _PAGE and until_ms - since_ms > 2_000:  # noqa: PLR2004 stamps have whole seconds
        earlier = await _sendgrid(session, url, since_ms, middle_ms)
        later = await _sendgrid(session, url, middle_ms + 1, until_ms)
        return list({one.provider_id: one for one in (*earlier, *later)}.values())
    return [_email(one, since_ms) for one in found]


def _email(one: dict[str, Any], otherwise_ms: int) -> ProviderMessage:
    at = one.get("last_event_time")
    at_ms = _ms(datetime.fromisoformat(at), otherwise_ms) if isinstance(at, str) else otherwise_ms
    return ProviderMessage(channel="email", provider_id=str(one["msg_id"]), to=str(one["to_email"]), at_ms=at_ms)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _stamp(at_ms: int) -> str:
    return _moment(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ms(at: datetime | str | None, otherwise_ms: int) -> int:
    moment = parsedate_to_datetime(at) if isinstance(at, str) else at
    return int(moment.timestamp() * 1000) if moment is not None else otherwise_ms
