"""The sandbox as a process of its own: `python -m headrace.sandbox --port 8090 --journal inbox.jsonl`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from headrace.sandbox import SandboxPortTaken, start_sandbox


async def _run(host: str, port: int, journal: Path | None, public_url: str | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    sandbox = await start_sandbox(host, port, journal=journal, public_url=public_url)
    sys.stdout.write(f"sandbox listens at {sandbox.url}\n")
    sys.stdout.flush()
    await stopped.wait()
    await sandbox.stop()


def main() -> int:
    """Run until SIGINT or SIGTERM; 1 when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m headrace.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one, printed at the start")
    parser.add_argument("--journal", type=Path, default=None, help="keep what was seen in this JSON Lines file")
    parser.add_argument("--public-url", default=None, help="where callbacks and replies are posted")
    asked = parser.parse_args()
    try:
        asyncio.run(_run(asked.host, asked.port, asked.journal, asked.public_url))
    except SandboxPortTaken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
