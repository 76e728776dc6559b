"""The sandbox as an application, and as a server that runs beside others in one event loop."""

import asyncio
import errno
from pathlib import Path

from aiohttp import web

from domain.errors import HeadraceError
from headrace.sandbox.echo import add_echo
from headrace.sandbox.email_activity import add_email_activity
from headrace.sandbox.exchange import FAULTS, LEDGER, STOPPING
from headrace.sandbox.faults import Faults
from headrace.sandbox.ledger import MAX_ENTRIES, Ledger
from headrace.sandbox.pages import add_pages
from headrace.sandbox.sendgrid import API_KEY, add_sendgrid
from headrace.sandbox.twilio import CREDENTIALS, add_twilio

_MAX_REQUEST_BYTES = 4 * 1024 * 1024
_GOODBYE_S = 0.5


class SandboxPortTaken(HeadraceError):
    """The provider sandbox's port is taken by another program."""


class RunningSandbox:
    """A sandbox that listens; `url` is its address."""

    def __init__(self, url: str, app: web.Application, runner: web.AppRunner) -> None:
        self.url = url
        self.ledger = app[LEDGER]
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
) -> web.Application:
    """The sandbox as an aiohttp application.

    Args:
        journal: a JSON Lines file that keeps what was seen across restarts.
        max_entries: how many messages, and how many requests, are remembered.
        twilio_credentials: account SID and token that calls must carry; None takes any.
        sendgrid_api_key: the key that calls must carry; None takes any.
    """
    app = web.Application(client_max_size=_MAX_REQUEST_BYTES)
    app[LEDGER] = Ledger(journal, max_entries=max_entries)
    app[FAULTS] = Faults()
    app[STOPPING] = asyncio.Event()
    if twilio_credentials is not None:
        app[CREDENTIALS] = twilio_credentials
    if sendgrid_api_key is not None:
        app[API_KEY] = sendgrid_api_key
    for add in (add_twilio, add_sendgrid, add_email_activity, add_echo, add_pages):
        add(app)
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
) -> RunningSandbox:
    """Start a sandbox; port 0 takes a free one.

    Raises:
        SandboxPortTaken: another program listens there.
    """
    app = create_sandbox(journal=journal, twilio_credentials=twilio_credentials, sendgrid_api_key=sendgrid_api_key)
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


async def _say_goodbye(app: web.Application) -> None:
    app[STOPPING].set()


async def _close_journal(app: web.Application) -> None:
    app[LEDGER].close()
