"""The sandbox as an application, and as a server that runs beside others in one event loop."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from domain.errors import HeadraceError
from headrace.sandbox.callbacks import Callbacks
from headrace.sandbox.delivery import PACE_S, Delivery
from headrace.sandbox.echo import add_echo
from headrace.sandbox.email_activity import add_email_activity
from headrace.sandbox.exchange import CALLBACKS, DELIVERY, FAULTS, KEYS, LEDGER, STOPPING
from headrace.sandbox.faults import Faults, InvalidFault
from headrace.sandbox.forms import NotTold
from headrace.sandbox.keys import DEFAULT_TOKEN, SandboxKeys
from headrace.sandbox.ledger import MAX_ENTRIES, Ledger
from headrace.sandbox.pages import add_pages
from headrace.sandbox.replies import REPLIES, NowhereToPost, Replies, add_replies
from headrace.sandbox.sendgrid import API_KEY, add_sendgrid
from headrace.sandbox.twilio import CREDENTIALS, add_twilio

_MAX_REQUEST_BYTES = 4 * 1024 * 1024
_GOODBYE_S = 0.5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SandboxPortTaken(HeadraceError):
    """The provider sandbox's port is taken by another program."""


class RunningSandbox:
    """A sandbox that listens; `url` is its address."""

    def __init__(self, url: str, app: web.Application, runner: web.AppRunner) -> None:
        self.url = url
        self.ledger = app[LEDGER]
        self.keys = app[KEYS]
        self.faults = app[FAULTS]
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening; calls that hang are reset."""
        await self._runner.cleanup()


def create_sandbox(
    *,
    journal: Path | None = None,
    max_entries: int = MAX_ENTRIES,
    twilio_credentials: tuple[str, str] | None = None,
    sendgrid_api_key: str | None = None,
    public_url: str | None = None,
    signing_token: str = DEFAULT_TOKEN,
    pace_s: float = PACE_S,
    tells: bool = True,
) -> web.Application:
    """The sandbox as an aiohttp application.

    Args:
        journal: a JSON Lines file that keeps what was seen across restarts.
        max_entries: how many messages, and how many requests, are remembered.
        twilio_credentials: account SID and token that calls must carry; None takes any.
        sendgrid_api_key: the key that calls must carry; None takes any.
        public_url: where the application under test listens for callbacks; None: only messages that name an address
            of their own have any.
        signing_token: Twilio's auth token, which callbacks are signed with; SendGrid's key follows from it.
        pace_s: seconds between one status of a message and the next.
        tells: whether callbacks tell what becomes of messages; what is done by hand is always told.
    """
    app = web.Application(client_max_size=_MAX_REQUEST_BYTES, middlewares=(_own_pages_only, _explained))
    ledger, callbacks, keys = Ledger(journal, max_entries=max_entries), Callbacks(), SandboxKeys(signing_token)
    app[LEDGER], app[CALLBACKS], app[KEYS] = ledger, callbacks, keys
    app[FAULTS] = Faults()
    app[DELIVERY] = Delivery(ledger, callbacks, keys, public_url, pace_s=pace_s, tells=tells)
    app[REPLIES] = Replies(ledger, callbacks, keys, public_url)
    app[STOPPING] = asyncio.Event()
    if twilio_credentials is not None:
        app[CREDENTIALS] = twilio_credentials
    if sendgrid_api_key is not None:
        app[API_KEY] = sendgrid_api_key
    for add in (add_twilio, add_sendgrid, add_email_activity, add_echo, add_pages, add_replies):
        add(app)
    app.cleanup_ctx.append(callbacks.run)
    app.on_shutdown.append(_say_goodbye)
    app.on_cleanup.append(_close_journal)
    return app


async def start_sandbox(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    journal: Path | None = None,
    twilio_credentials: tuple[str, str] | None = None,
    sendgrid_api_key: str | None = None,
    public_url: str | None = None,
    signing_token: str = DEFAULT_TOKEN,
    pace_s: float = PACE_S,
    tells: bool = True,
) -> RunningSandbox:
    """Start a sandbox; port 0 takes a free one. The other arguments are those of `create_sandbox`.

    Raises:
        SandboxPortTaken: another program listens there.
    """
    app = create_sandbox(
        journal=journal,
        twilio_credentials=twilio_credentials,
        sendgrid_api_key=sendgrid_api_key,
        public_url=public_url,
        signing_token=signing_token,
        pace_s=pace_s,
        tells=tells,
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_S)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        if error.errno != errno.EADDRINUSE:
            raise
        raise SandboxPortTaken(
            f"The provider sandbox can't listen at {host}:{port}: the port is taken; choose another one"
        ) from error
    bound = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return RunningSandbox(f"http://{shown}:{bound}", app, runner)


@web.middleware
async def _own_pages_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page makes a browser post here."""
    foreign = request.method in ("POST", "DELETE") and request.headers.get("Sec-Fetch-Site") == "cross-site"
    return (
        web.json_response({"error": "this is not for other sites"}, status=403) if foreign else await handler(request)
    )


@web.middleware
async def _explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What can't be told to the application is answered with the reason."""
    try:
        return await handler(request)
    except (NotTold, InvalidFault, NowhereToPost) as error:
        return web.json_response({"error": str(error)}, status=409 if isinstance(error, NowhereToPost) else 400)


async def _say_goodbye(app: web.Application) -> None:
    app[STOPPING].set()


async def _close_journal(app: web.Application) -> None:
    app[LEDGER].close()
