"""The sandbox's post office: callbacks to the application under test, signed, retried a few times, never in anybody's way."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import uuid4

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from headrace.sandbox.ledger import rfc3339_now

MAX_WAITING: Final = 20_000
"""Callbacks that wait to be posted; more are dropped, and counted."""
MAX_KEPT: Final = 1_000
"""Callbacks that `GET /callbacks.json` shows."""
_WORKERS: Final = 8
_PAUSES_S: Final = (0.2, 1.0, 5.0)
"""Between attempts: when no answer came, or one of 5xx or 429."""
_TIMEOUT_S: Final = 5.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Callback:
    """One callback. Its signature is made for each attempt, since it may hold the time."""

    what: str
    """In words: `sms delivered`, `email open`, `sms received`."""
    url: str
    body: bytes
    content_type: str
    sign: Callable[[], dict[str, str]]
    provider_id: str
    id: str = field(default_factory=lambda: uuid4().hex)
    at: str = field(default_factory=rfc3339_now)
    attempts: int = 0
    status: int | None = None
    """Of the last answer."""
    error: str | None = None
    """Why there was no answer."""
    delivered: bool = False

    def shown(self) -> dict[str, Any]:
        """The callback for people and programs."""
        names = ("at", "what", "url", "provider_id", "attempts", "status", "error", "delivered")
        return {name: getattr(self, name) for name in names}


class Callbacks:
    """Posts callbacks in the background. `post` never waits."""

    def __init__(self, pauses_s: tuple[float, ...] = _PAUSES_S) -> None:
        self._pauses_s = pauses_s
        self._waiting: asyncio.Queue[Callback] = asyncio.Queue(MAX_WAITING)
        self._kept: deque[Callback] = deque(maxlen=MAX_KEPT)
        self._later: set[asyncio.TimerHandle] = set()
        self.dropped = 0

    def post(self, callback: Callback) -> None:
        """Have it posted as soon as may be."""
        self._kept.append(callback)
        self._enqueue(callback)

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something later, unless the sandbox stops before."""

        def now() -> None:
            self._later.discard(handle)
            do()

        handle = asyncio.get_running_loop().call_later(seconds, now)
        self._later.add(handle)

    def listed(self, limit: int = MAX_KEPT) -> list[dict[str, Any]]:
        """The newest callbacks, the newest last."""
        return [callback.shown() for callback in list(self._kept)[-limit:]] if limit else []

    async def run(self, _: web.Application) -> Any:
        """Post until the application is cleaned up."""
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        workers = [asyncio.create_task(self._work(session)) for _ in range(_WORKERS)]
        yield
        for handle in self._later:
            handle.cancel()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await session.close()

    def _enqueue(self, callback: Callback) -> None:
        try:
            self._waiting.put_nowait(callback)
        except asyncio.QueueFull:
            self.dropped += 1
            callback.error = "dropped: too many callbacks were waiting"
            if self.dropped == 1:
                _log.warning("sandbox.callbacks_dropped", waiting=MAX_WAITING)

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            callback = await self._waiting.get()
            again = await self._attempt(session, callback)
            if again and callback.attempts <= len(self._pauses_s):
                self.after(self._pauses_s[callback.attempts - 1], partial(self._enqueue, callback))

    async def _attempt(self, session: aiohttp.ClientSession, callback: Callback) -> bool:
        """Post it once; gives whether another attempt makes sense."""
        callback.attempts += 1
        headers = {"Content-Type": callback.content_type, "User-Agent": "headrace-sandbox"}
        headers |= {"I-Twilio-Idempotency-Token": callback.id} | callback.sign()
        try:
            url = URL(callback.url, encoded=True)  # the signature is for the address as it is written
            async with session.post(url, data=callback.body, headers=headers, allow_redirects=False) as answer:
                callback.status, callback.error = answer.status, None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            callback.status, callback.error = None, _words(error)
            return not isinstance(error, ValueError | aiohttp.InvalidURL)
        callback.delivered = callback.status // 100 == 2  # noqa: PLR2004 a class of statuses
        return callback.status // 100 == 5 or callback.status == 429  # noqa: PLR2004


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return "nobody listens there"
    return "no answer in time" if isinstance(error, TimeoutError) else f"no answer ({type(error).__name__})"
