"""A gate between the engine and its providers: nobody gets in, or no answer gets out, until the test opens it."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

_SYN_SENT = "02"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Gate:
    """Forwards what comes to a server.

    `shut`: its queue of connections is full, so whoever connects is kept waiting before a connection is made.
    `holds`: the answers to POSTs stay here.
    """

    def __init__(self, target: str, *, shut: bool = False, holds: bool = False) -> None:
        self._target, self._holds = urlsplit(target), holds
        self._held: dict[asyncio.StreamWriter, bytes] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._filler = socket.create_connection(("127.0.0.1", self.port)) if shut else None
        if not shut:
            self._serve()

    @property
    def knocking(self) -> int:
        """How many connections somebody waits for (Linux tells their state)."""
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        states = [(line.split()[2].rpartition(":")[2], line.split()[3]) for line in lines]
        return sum(int(port, 16) == self.port and state == _SYN_SENT for port, state in states)

    @property
    def held(self) -> int:
        """How many whole answers wait here."""
        return sum(map(_is_whole, tuple(self._held.values())))

    def let_answers_out(self) -> None:
        """Hand the answers over; when it returns they have arrived, though nobody may have read them."""
        asyncio.run_coroutine_threadsafe(self._hand_over(), self._loop).result(10)

    def open(self) -> None:
        """From now on it stands in nobody's way."""
        self._holds = False
        if self._filler is not None:
            self._filler.close()
            self._filler = None
            self._serve()

    def close(self) -> None:
        """End it with all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._listener.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _serve(self) -> None:
        serving = asyncio.start_server(self._pass, sock=self._listener)
        asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(65_536)
        if not request:
            writer.close()
            return
        from_server, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
        to_server.write(request)
        holds = self._holds and request.startswith(b"POST ")
        await asyncio.gather(self._pump(reader, to_server), self._pump(from_server, writer, holds=holds))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, holds: bool = False) -> None:
        try:
            while chunk := await reader.read(65_536):
                if holds and self._holds:
                    self._held[writer] = self._held.get(writer, b"") + chunk
                else:
                    writer.write(chunk)
        except ConnectionError:
            pass
        if not holds:
            writer.close()

    async def _hand_over(self) -> None:
        for writer, answer in self._held.items():
            writer.write(answer)
            await writer.drain()


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(found) and length is not None and len(body) >= int(length.group(1))
