"""A role is told to stop and stops cleanly; whoever can't wait for that interrupts it."""

import signal
import subprocess
import sys

import pytest

ROLE = """
import asyncio, sys
from headrace.role import run_role
from headrace.settings import load_settings

async def start(stack, on_crash):
    async def a_call_ends():
        await asyncio.sleep(float(sys.argv[1]))
    stack.push_async_callback(a_call_ends)

sys.exit(run_role("worker", load_settings(log_format="json"), start))
"""
SOON, NEVER = "0", "86400"


@pytest.fixture
def role(request):
    process = subprocess.Popen([sys.executable, "-c", ROLE, request.param], stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def wait_until_it_says(process, words):
    assert any(words in line for line in process.stderr), f"it ended without {words}"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("role", [SOON], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(role, number):
    wait_until_it_says(role, "role.started")
    role.send_signal(number)

    assert role.wait() == 0


@pytest.mark.timeout(60)
@pytest.mark.parametrize("role", [NEVER], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_while_it_stops_it_ends_at_once(role, number):
    wait_until_it_says(role, "role.started")
    role.send_signal(number)
    wait_until_it_says(role, "role.stopping")
    role.send_signal(signal.SIGTERM)  # supervisors may repeat it: it goes on stopping
    assert role.poll() is None
    role.send_signal(signal.SIGINT)

    assert role.wait() == 1
