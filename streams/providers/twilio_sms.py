"""`send_sms` by Twilio's SDK: one request per attempt, with a time-out, in a thread of its own bounded pool.

Twilio has no idempotency for messages, so nothing here ever sends twice by itself. The action key travels in the
status callback's address, beside the contact's id: a message can be matched with its intent later.
"""

import asyncio
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from domain.action import ActionContext, ActionResult, Question, WorkflowAction
from domain.contact import Contact
from domain.phones import NotAPhoneNumber, comparable, e164
from streams.providers.failure import failure_of, gateway_lost
from streams.providers.proxy import proxy_for
from streams.providers.retry_after import retry_after_ms
from streams.providers.settings import TwilioSettings
from streams.providers.twilio_match import Matches, Wanted

TWILIO: Final = "https://api.twilio.com"
CALLBACK_PATH: Final = "/api/v1/webhooks/twilio/status"
_LONGEST_CONNECT_S: Final = 10.0


class SendSmsAction(WorkflowAction):
    """Sends one SMS; output: `message_id` and Twilio's first `status`."""

    action_type = "send_sms"
    channel = "sms"

    def __init__(self, settings: TwilioSettings, *, threads: int = 64) -> None:
        self._settings = settings
        self._matches = Matches()
        self._session = session_for(settings.base_url or TWILIO, threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="twilio")

    async def execute(self, contact: Contact, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:  # noqa: ARG002
        """Send `config["body"]` to `config["to"]`, or else to the contact's phone."""
        to = config.get("to") or contact.phone
        if not to:
            return ActionResult.failed("no_phone", "The contact has no phone number; add one and retry")
        try:
            to = _address(to, self._settings.phone_region)
        except NotAPhoneNumber as problem:
            message = f"{to!r} can't be a phone number: {problem}; correct it and retry"
            return ActionResult.failed("invalid_phone", message)
        context = ActionContext.current()
        send = partial(self._send, self._message(to, config, context, contact.id), context, time.monotonic())
        return await asyncio.get_running_loop().run_in_executor(self._threads, send)

    async def reconcile(self, contact: Contact, config: dict[str, Any], question: Question) -> ActionResult:
        """Look for the message among those that Twilio lists for its recipient."""
        region = self._settings.phone_region
        own, to = (
            comparable(number, region) for number in (contact.phone or "", config.get("to") or contact.phone or "")
        )
        wanted = Wanted(
            to=to,
            body=config.get("body") or "",
            sender=None if self._settings.messaging_service_sid else self._settings.from_number,
            own=to == own,
            question=question,
        )
        look = partial(self._look, wanted, ActionContext.current())
        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    def validate_config(self, config: dict[str, Any]) -> bool:
        """An SMS needs a `body` or a `template`."""
        return bool(config.get("body") or config.get("template"))

    async def close(self) -> None:
        """Let go of the pool; calls that hang end by their own time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def _look(self, wanted: Wanted, context: ActionContext) -> ActionResult:
        client = client_of(self._settings, OneRequest(self._session, context.timeout_s))
        return self._matches.find(client, wanted, context.idempotency_key)

    def _message(self, to: str, config: dict[str, Any], context: ActionContext, contact_id: str) -> dict[str, Any]:
        settings = self._settings
        message = {"to": to, "body": config.get("body") or ""}
        if settings.messaging_service_sid:
            message["messaging_service_sid"] = settings.messaging_service_sid
        else:
            message["from_"] = settings.from_number
        if settings.public_url:
            query = urlencode({"action_key": context.idempotency_key, "contact": contact_id}, safe="/")
            message["status_callback"] = f"{settings.public_url.rstrip('/')}{CALLBACK_PATH}?{query}"
        return message

    def _send(self, message: dict[str, Any], context: ActionContext, asked_at: float) -> ActionResult:
        waited_s = time.monotonic() - asked_at
        if waited_s > context.start_within_s:  # every thread was busy with calls that hang
            return ActionResult.failed("not_started", "No thread was free in time; nothing was sent", retryable=True)
        http = OneRequest(self._session, context.timeout_s - waited_s)
        try:
            sent = client_of(self._settings, http).messages.create(**message)
        except TwilioException as refusal:
            return _refused(refusal, http)
        except (OSError, requests.RequestException) as error:
            return failure_of(error) or ActionResult.unknown("connection_lost", type(error).__name__)
        except ValueError:  # the SDK could not read a 2xx answer: Twilio took it, and we don't know as what
            return ActionResult.unknown(
                "bad_answer", "Twilio's answer could not be read; the message may be on its way"
            )
        self._matches.claim(sent.sid, context.idempotency_key)
        return ActionResult.succeeded({"message_id": sent.sid, "status": sent.status}, provider_id=sent.sid)


def _address(to: str, region: str | None) -> str:
    """The recipient as Twilio wants it; an address of another of its channels (`whatsapp:+1...`) is passed on as it is."""
    return to if ":" in to else e164(to, region)


class OneRequest(HttpClient):  # type: ignore[misc] # the SDK is untyped
    """The SDK's transport for one request, with time-outs for connecting and for each wait on the answer.

    The SDK's own logs addresses at INFO, keeps its last request in a shared attribute and can re-post; this one does
    none of it.
    """

    def __init__(self, session: requests.Session, timeout_s: float) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), is_async=False, timeout=max(timeout_s, 0.001))
        self._session = session
        self.retry_after_ms: int | None = None

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make the request; never twice."""
        whole_s = timeout or self.timeout
        connect_s = min(_LONGEST_CONNECT_S, whole_s / 2)
        answer = self._session.request(
            method,
            uri,
            params=params,  # type: ignore[arg-type]
            data=data,
            headers=headers,
            auth=auth,
            timeout=(connect_s, whole_s - connect_s),
            allow_redirects=allow_redirects,
        )
        self.retry_after_ms = retry_after_ms(answer.headers)
        return Response(answer.status_code, answer.text, answer.headers)


def client_of(settings: TwilioSettings, http: OneRequest) -> Any:
    """A client for one request (35 us): so the answer's headers belong to this call and to no other."""
    client = Client(settings.account_sid, settings.auth_token, http_client=http)
    if settings.base_url:
        client.edge = client.region = None  # taken from the environment, they would rewrite the sandbox's host
        client.api.base_url = settings.base_url.rstrip("/")
    return client


def session_for(url: str, threads: int) -> requests.Session:
    """A session of plain requests: nothing is retried, nothing is kept between them but connections."""
    session = requests.Session()
    session.trust_env = False  # what it would look up for every call is settled here, once
    proxy = proxy_for(url)
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=threads, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _refused(refusal: Any, http: OneRequest) -> ActionResult:
    """Twilio's own answer: it did not take the message. 429 and 5xx may be repeated (but a gateway's), the rest is final."""
    status = int(getattr(refusal, "status", 0) or 0)
    number = getattr(refusal, "code", None)
    words = getattr(refusal, "detail", None) or getattr(refusal, "msg", None) or getattr(refusal, "title", None)
    return gateway_lost("Twilio", status) or ActionResult.failed(
        f"twilio_{number}" if number else f"twilio_http_{status}",
        f"Twilio answered {status}: {words or refusal}",
        retryable=status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        retry_after_ms=http.retry_after_ms,
        outage=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
    )
