"""A running provider sandbox, and the built-in actions pointed at it."""

import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from domain.action import ActionRegistry, ActionResult
from headrace.sandbox import RunningSandbox, start_sandbox
from tests.support.provider_calls import API_KEY, TOKEN, actions_at, run


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    """A sandbox that knows our credentials, at a free port."""
    running = await start_sandbox(twilio_credentials=("AC1", TOKEN), sendgrid_api_key=API_KEY)
    yield running
    await running.stop()


@pytest.fixture
async def client(sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client whose addresses begin at the sandbox."""
    async with aiohttp.ClientSession(sandbox.url) as session:
        yield session


@pytest.fixture
def dead_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
async def actions(sandbox) -> AsyncIterator[ActionRegistry]:
    """The built-in actions, pointed at the sandbox."""
    async with actions_at(sandbox.url) as registry:
        yield registry


@pytest.fixture
def call(actions) -> Callable:
    """Call one of the actions that are pointed at the sandbox."""

    async def made(step_type: str, config: dict, **options) -> ActionResult:
        return await run(actions, step_type, config, **options)

    return made


@pytest.fixture
def requests_to(sandbox) -> dict[str, tuple[str, dict]]:
    """For each channel a step type and a request that the sandbox takes."""
    return {
        "sms": ("send_sms", {"to": "+15550100", "body": "hi"}),
        "email": ("send_email", {"to": "ann@example.org", "subject": "Hello", "body": "hi"}),
        "http": ("http_request", {"url": f"{sandbox.url}/http/hook", "method": "POST", "body": "hi"}),
    }
