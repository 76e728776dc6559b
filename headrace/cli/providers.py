"""`headrace providers`: the provider sandbox alone, to point another program at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.options import Host, Json
from headrace.cli.output import print_json, print_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.sandbox import RunningSandbox


def providers(
    *,
    host: Host = None,
    port: Annotated[
        int | None,
        typer.Option("--port", envvar="HEADRACE_PROVIDERS_PORT", help="Port to listen on.  [default: 8090]"),
    ] = None,
    inbox: Annotated[
        Path | None,
        typer.Option("--inbox", envvar="HEADRACE_PROVIDERS_INBOX", help="Keep what was sent in this JSON Lines file."),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url",
            envvar="HEADRACE_PUBLIC_URL",
            help="Where callbacks and replies are posted.  [default: the API's own address]",
        ),
    ] = None,
    callbacks: Annotated[
        bool | None,
        typer.Option(
            "--callbacks/--no-callbacks",
            envvar="HEADRACE_PROVIDERS_CALLBACKS",
            help="Whether it tells what becomes of messages.  [default: callbacks]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the provider sandbox alone.

    It speaks Twilio's and SendGrid's HTTP, keeps what is sent in an inbox, tells what becomes of it by signed callbacks,
    and fails when it is told to. Callbacks are signed with HEADRACE_TWILIO_AUTH_TOKEN. Ctrl-C stops it.
    """
    import asyncio
    from functools import partial

    from headrace.ports import ensure_free
    from headrace.providers import public_url_of, sandbox_token_of
    from headrace.sandbox import start_sandbox
    from headrace.settings import load_settings

    settings = load_settings(host=host, providers_port=port, public_url=public_url, providers_callbacks=callbacks)
    ensure_free(settings.host, settings.providers_port, option="--port", variable="HEADRACE_PROVIDERS_PORT")
    start = partial(
        start_sandbox,
        settings.host,
        settings.providers_port,
        journal=inbox,
        public_url=public_url_of(settings),
        signing_token=sandbox_token_of(settings),
        tells=settings.providers_callbacks,
    )
    asyncio.run(_serve(start, public_url_of(settings), as_json=as_json))


async def _serve(start: "Callable[[], Awaitable[RunningSandbox]]", public_url: str, *, as_json: bool) -> None:
    import asyncio
    import signal

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sandbox = await start()
    key = sandbox.keys.sendgrid_public_key
    if as_json:
        print_json({"url": sandbox.url, "public_url": public_url, "sendgrid_webhook_key": key})
    else:
        print_text(f"the provider sandbox listens at {sandbox.url}; its inbox is {sandbox.url}/inbox.json")
        print_text(f"it posts callbacks to {public_url}; the API needs HEADRACE_SENDGRID_WEBHOOK_KEY={key}")
    await stop.wait()
    await sandbox.stop()
