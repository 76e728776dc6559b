"""`send_email` by SendGrid: the body is built by its SDK, the request is ours.

The SDK's own client blocks the thread, has no time-out for the whole call, and writes the request's headers with the
API key to its log at DEBUG. So only its `Mail` is used: it knows the format of `/v3/mail/send`.
"""

from http import HTTPStatus
from typing import Any, Final

import aiohttp
import msgspec
from email_validator import EmailNotValidError, validate_email
from sendgrid.helpers.mail import CustomArg, From, Mail, To

from domain.action import ActionContext, ActionResult, Question, WorkflowAction
from domain.contact import Contact
from streams.providers.failure import failure_of, gateway_lost
from streams.providers.proxy import proxy_for
from streams.providers.retry_after import retry_after_ms
from streams.providers.settings import SendGridSettings

SENDGRID: Final = "https://api.sendgrid.com"
_LONGEST_CONNECT_S: Final = 10.0
_IDLE_S: Final = 5.0
"""Idle connections are given up long before SendGrid does: a request on a dying one would be an unknown outcome."""


class SendEmailAction(WorkflowAction):
    """Sends one e-mail; output: `message_id`."""

    action_type = "send_email"
    channel = "email"

    def __init__(self, settings: SendGridSettings, *, connections: int = 64) -> None:
        self._settings = settings
        self._url = f"{(settings.base_url or SENDGRID).rstrip('/')}/v3/mail/send"
        self._connections = connections
        self._sender = From(settings.from_email, settings.from_name)
        self._session: aiohttp.ClientSession | None = None

    async def execute(self, contact: Contact, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:  # noqa: ARG002
        """Send to `config["to"]`, or else to the contact's e-mail address."""
        to = config.get("to") or contact.email
        if not to:
            return ActionResult.failed("no_email", "The contact has no e-mail address; add one and retry")
        try:
            recipient = _recipient(to)
        except EmailNotValidError as problem:
            message = f"{to!r} can't be an e-mail address: {_short(problem)}; correct it and retry"
            return ActionResult.failed("invalid_email", message)
        context = ActionContext.current()
        body = msgspec.json.encode(self._mail(recipient, config, context.idempotency_key, contact.id).get())
        try:
            return await self._post(body, context.timeout_s)
        except (OSError, aiohttp.ClientError) as error:
            return failure_of(error) or ActionResult.unknown("connection_lost", type(error).__name__)

    async def reconcile(self, contact: Contact, config: dict[str, Any], question: Question) -> ActionResult:  # noqa: ARG002
        """Look for the e-mail by its action key in Email Activity, where the account has it.

        Where it has not, SendGrid's event webhook may still tell of the message: that is waited for, round by round.
        """
        context = ActionContext.current()
        url = self._url.removesuffix("/mail/send") + "/messages"
        query = {"limit": "1", "query": f"(unique_args['action_key']=\"{context.idempotency_key}\")"}
        headers = {"Authorization": f"Bearer {self._settings.api_key}"}
        timeout = aiohttp.ClientTimeout(total=context.timeout_s)
        async with self._open_session().get(url, params=query, headers=headers, timeout=timeout) as answer:
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                return ActionResult.unknown("no_answer", f"SendGrid answered {answer.status} when it was asked")
            if answer.status != HTTPStatus.OK:
                return ActionResult.not_found("SendGrid cannot be asked: the account has no Email Activity")
            found = msgspec.json.decode(await answer.read())["messages"]
        if not found:
            return ActionResult.not_found("SendGrid lists no such e-mail")
        message_id = str(found[0]["msg_id"]).partition(".")[0]  # what stands behind the dot is the recipient's
        return ActionResult.succeeded({"message_id": message_id}, provider_id=message_id)

    def validate_config(self, config: dict[str, Any]) -> bool:
        """An e-mail needs a `template`, or a `subject` and a `body`."""
        return bool(config.get("template") or (config.get("subject") and (config.get("body") or config.get("html"))))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _mail(self, to: To, config: dict[str, Any], action_key: str, contact_id: str) -> Mail:
        template = config.get("sendgrid_template_id")
        mail = Mail(
            from_email=self._sender,
            to_emails=to,
            subject=config.get("subject"),
            plain_text_content=None if template else config.get("body"),
            html_content=None if template else config.get("html"),
        )
        if template:
            mail.template_id = template
            mail.dynamic_template_data = config.get("data") or {}
        mail.custom_arg = CustomArg("action_key", action_key)
        mail.custom_arg = CustomArg("contact", contact_id)
        return mail

    async def _post(self, body: bytes, timeout_s: float) -> ActionResult:
        headers = {"Authorization": f"Bearer {self._settings.api_key}", "Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(_LONGEST_CONNECT_S, timeout_s / 2))
        async with self._open_session().post(
            self._url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            if response.status in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
                message_id = response.headers.get("X-Message-Id")
                return ActionResult.succeeded({"message_id": message_id}, provider_id=message_id)
            return await _refused(response)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_IDLE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=proxy_for(self._url),
            )
        return self._session


def _recipient(text: str) -> To:
    """The one address in the text, which may stand with a name. Whether its domain takes mail is not asked.

    Raises:
        EmailNotValidError: it can't be an address, and why.
    """
    found = validate_email(
        text.strip(),
        allow_display_name=True,
        check_deliverability=False,
        globally_deliverable=False,
        test_environment=True,
    )
    return To(found.ascii_email or found.normalized, found.display_name or None)


def _short(problem: EmailNotValidError) -> str:
    """The library's words within a sentence."""
    words = str(problem).rstrip(".")
    return words[:1].lower() + words[1:]


async def _refused(response: aiohttp.ClientResponse) -> ActionResult:
    """SendGrid's own answer: it did not take the e-mail. 429 and 5xx may be repeated (but a gateway's), the rest is final."""
    status = response.status
    if lost := gateway_lost("SendGrid", status):
        return lost
    retryable = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return ActionResult.failed(
        f"sendgrid_{status}",
        f"SendGrid answered {status}: {await _words(response)}",
        retryable=retryable,
        retry_after_ms=retry_after_ms(response.headers) if retryable else None,
        outage=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
    )


async def _words(response: aiohttp.ClientResponse) -> str:
    """The answer's own explanation, if it can still be read: the status alone has decided the outcome."""
    try:
        errors = msgspec.json.decode(await response.content.read(16_384))["errors"]
        return "; ".join(
            f"{error['message']} ({error['field']})" if error.get("field") else str(error["message"])
            for error in errors
        )
    except (msgspec.DecodeError, LookupError, TypeError, AttributeError, OSError, aiohttp.ClientError):
        return response.reason or "no explanation"
