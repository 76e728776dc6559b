"""A caller of the API, and the engine's part where a test plays it: to take what was appended and to answer."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from schemas.command import decode_command
from schemas.definition_command import decode_definition_command
from schemas.event_log import Record
from schemas.topics import COMMANDS, CONTACT_EVENTS, DEFINITION_COMMANDS

PATIENCE_SECONDS = 20


class Reply(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Any
    text: str

    @property
    def body(self):
        return json.loads(self.text)


class Caller:
    """Calls the API; `log` is what it appended to, `read_side` what it reads."""

    def __init__(self, client, log, read_side):
        self.client, self.log, self.read_side = client, log, read_side

    async def get(self, path, **options) -> Reply:
        return await self.request("GET", path, **options)

    async def post(self, path, **options) -> Reply:
        return await self.request("POST", path, **options)

    async def request(self, method, path, **options) -> Reply:
        async with self.client.request(method, path, **options) as response:
            return Reply(response.status, response.headers, (await response.read()).decode())

    @asynccontextmanager
    async def posting(self, path, **options):
        """A request under way; inside the block the test answers it as the engine would."""
        task = asyncio.create_task(self.post(path, **options))
        try:
            yield task
        finally:
            if not task.done():
                await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
            task.cancel()

    async def appended(self, topic, count=1) -> list[Record]:
        """The records of the topic, once there are so many."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                records = [record for partition in self.log.topics[topic] for record in partition]
                if len(records) >= count:
                    return records
                ends = {(topic, number): len(part) for number, part in enumerate(self.log.topics[topic])}
                await self.log.wait(ends, timeout=PATIENCE_SECONDS)

    async def command(self):
        """The last command about a contact."""
        return decode_command((await self.appended(COMMANDS))[-1].value)

    async def definition_command(self):
        """The last definition command."""
        return decode_definition_command((await self.appended(DEFINITION_COMMANDS))[-1].value)

    async def event(self) -> Record:
        """The last contact event."""
        return (await self.appended(CONTACT_EVENTS))[-1]

    async def answer(self, command_id, **row):
        """Show the command's result, as the projector does, and say so."""
        await self.read_side.result(command_id, **row)
        await self.read_side.notify()

    def nothing_appended(self) -> bool:
        return not any(partition for topic in self.log.topics.values() for partition in topic)


def assert_problem(reply, status, code):
    """The reply is a problem (RFC 9457) that tells all that a problem must."""
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"].startswith("application/problem+json"), reply.headers
    problem = reply.body
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:headrace:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    assert "Traceback" not in reply.text
    return problem
