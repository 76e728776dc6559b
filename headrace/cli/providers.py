"""`headrace providers`: the provider sandbox alone, to point another program at."""

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.options import Host, Json
from headrace.cli.output import print_json, print_text


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
    as_json: Json = False,
) -> None:
    """Run the provider sandbox alone.

    It speaks Twilio's and SendGrid's HTTP, keeps what is sent in an inbox, and fails when it is told to. Ctrl-C stops it.
    """
    import asyncio

    from headrace.ports import ensure_free
    from headrace.settings import load_settings

    settings = load_settings(host=host, providers_port=port)
    ensure_free(settings.host, settings.providers_port, option="--port", variable="HEADRACE_PROVIDERS_PORT")
    asyncio.run(_serve(settings.host, settings.providers_port, inbox, as_json=as_json))


async def _serve(host: str, port: int, inbox: Path | None, *, as_json: bool) -> None:
    import asyncio
    import signal

    from headrace.sandbox import start_sandbox

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sandbox = await start_sandbox(host, port, journal=inbox)
    if as_json:
        print_json({"url": sandbox.url})
    else:
        print_text(f"the provider sandbox listens at {sandbox.url}; its inbox is {sandbox.url}/inbox.json")
    await stop.wait()
    await sandbox.stop()
