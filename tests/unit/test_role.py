"""A role is told to stop and stops cleanly; whoever can't wait for that interrupts it."""

import signal
import subprocess
import sys

import pytest

ROLE = """
import asyncio, sys
from headrace import role
from headrace.settings import load_settings

if sys.argv[2:]:
    role.STOP_MAY_TAKE_S = float(sys.argv[2])

async def start(stack, on_crash):
    async def a_call_ends():
        await asyncio.sleep(float(sys.argv[1]))
    stack.push_async_callback(a_call_ends)

sys.exit(role.run_role("worker", load_settings(log_format="json"), start))
"""
SOON, NEVER = "0", "86400"
IMPATIENT = "0.1"


@pytest.fixture
def role(request):
    process = subprocess.Popen([sys.executable, "-c", ROLE, *request.param.split()], stderr=subprocess.PIPE, text=True)
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


@pytest.mark.timeout(60)
@pytest.mark.parametrize("role", [f"{NEVER} {IMPATIENT}"], indirect=True)
def test_what_does_not_end_ends_with_it(role):
    wait_until_it_says(role, "role.started")
    role.send_signal(signal.SIGTERM)
    wait_until_it_says(role, "StopTookTooLong")

    assert role.wait() == 1
