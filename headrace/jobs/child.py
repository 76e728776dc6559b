"""The parent's side of a job: start its process, hand on what it says, end it when nobody listens any more."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any, Final

from domain.errors import HeadraceError
from headrace.jobs.context import SANDBOX_VARIABLE
from headrace.jobs.message import Failure, Progress, Request, encode, encode_line
from headrace.settings import PREFIX, Settings

_LONGEST_LINE: Final = 256 * 1024 * 1024
"""Bytes of a report, at most."""
_AT_ONCE: Final = 2
_COMMAND: Final = (sys.executable, "-P", "-m", "headrace.jobs")  # -P: a folder of that name here is not ours
_HEARTBEAT_S: Final = 5.0
_TO_END_S: Final = 10.0
"""How long a process may take to end by itself when it has said all."""
_LAST_WORDS: Final = (b'{"type":"report"', b'{"type":"failure"')


class JobsBusy(HeadraceError):
    """Two jobs are under way here already; wait for one to end."""


def environment_of(settings: Settings, database_url: str | None, sandbox_url: str | None = None) -> dict[str, str]:
    """What the child's environment says beyond ours: what this process was started with on its command line."""
    given = {"DATA_DIR": str(settings.data_dir.absolute()), "LOG_LEVEL": settings.log_level}
    given["CONTACT_EVENTS_TOPIC"] = settings.contact_events_topic
    if settings.kafka is not None:
        given["KAFKA"] = settings.kafka
    if database_url is not None:
        given["DATABASE_URL"] = database_url
    sandbox = {SANDBOX_VARIABLE: sandbox_url} if sandbox_url is not None else {}
    return {PREFIX + name: value for name, value in given.items()} | sandbox


class ChildJobs:
    """Runs jobs, each as a child process; the port that the API asks."""

    def __init__(self, environment: Mapping[str, str], *, command: Sequence[str] = _COMMAND) -> None:
        """Nothing is started yet.

        Args:
            environment: variables for the children, beside this process's own.
            command: what a child runs.
        """
        self._environment, self._command = {**os.environ, **environment}, command
        self._under_way = 0

    async def run(self, kind: str, body: Mapping[str, Any]) -> AsyncGenerator[bytes]:
        """The job's messages, a line of JSON each; closing the iterator ends the job.

        Raises:
            JobsBusy: too many are under way.
        """
        if self._under_way >= _AT_ONCE:
            raise JobsBusy
        self._under_way += 1
        try:
            async with _started(self._command, self._environment) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(encode(Request(kind, dict(body))) + b"\n")
                last = b""
                async for line in _to_the_last_word(process.stdout):
                    last = line
                    yield line
                code = await _ended(process)
                if not last.startswith(_LAST_WORDS):
                    yield encode_line(Failure(500, "job_died", _how_it_ended(code)))
        finally:
            self._under_way -= 1


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"the job's process ended with {code} and without a report; its log says why"
    name = signal.Signals(-code).name
    whom = "somebody, or the system for want of memory" if name == "SIGKILL" else "somebody"
    return (
        f"the job's process was ended by {name}: by {whom}; ask again, and what was kept on the way is not done again"
    )


async def _to_the_last_word(output: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines as they come; when none came for a while the last progress again, so that no time-out cuts in between."""
    progress = encode_line(Progress(0, None, "events", 0.0))
    while True:
        try:
            line = await asyncio.wait_for(output.readline(), _HEARTBEAT_S)
        except TimeoutError:
            yield progress
            continue
        if line.startswith(b'{"type":"progress"'):
            progress = line
        if line:
            yield line
        if not line or line.startswith(_LAST_WORDS):
            return


async def _ended(process: asyncio.subprocess.Process) -> int:
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(process.wait(), _TO_END_S)
    process.kill()
    return await process.wait()


@contextlib.asynccontextmanager
async def _started(command: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        limit=_LONGEST_LINE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
