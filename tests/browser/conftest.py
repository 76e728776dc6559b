"""A running `headrace dev` with something to show, and a real Chromium to look at it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.dev_process import DevProcess, eventually
from tests.support.headrace import Headrace, step

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HTML = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
"""A name that would be seen to run, or at least to be bold, if a page did not escape it."""


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Headless Chromium; without one the tests are skipped, and in CI they fail.

    One for each test: Playwright's synchronous face runs an event loop, which must not outlive the test, or other tests
    of the same process could not run theirs.
    """
    if not CHROMIUM.exists():
        message = f"there is no browser at {CHROMIUM}: the pages were NOT looked at (install chromium)"
        if os.environ.get("CI") or os.environ.get("HEADRACE_TEST_STRICT") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    process = DevProcess(tmp_path_factory.mktemp("browser") / "data", "--log-level", "warning")
    try:
        yield Headrace(process.start())
    finally:
        process.end()


@pytest.fixture(scope="session")
def shown(headrace: Headrace) -> dict[str, str]:
    """What the pages show: a contact who waits, one who failed, and names with HTML in them."""
    workflow = headrace.publish(
        {
            "name": HTML,
            "trigger": {"type": "manual"},
            "steps": [
                step("hi", "send_sms", body="Hi {{first_name}}"),
                step("wait", "delay", duration=3, unit="days"),
                step("t", "add_tag", tag="t"),
            ],
        }
    )
    known = {"first_name": HTML, "email": HTML, "tags": [HTML, "vip"], "custom_fields": {HTML: HTML}}
    contact_id = f"html{HTML}"
    path = "/contacts/" + contact_id.replace("<", "%3C").replace(">", "%3E").replace("/", "%2F").replace('"', "%22")
    path = path.replace("=", "%3D").replace(" ", "%20").replace("'", "%27")
    event = {"type": "contact.created", "data": {"contact": {"phone": "+15550001111", **known}}}
    headrace.post(f"{path}/events", event)
    headrace.post(f"{path}/events", {"type": "contact.sms_received", "data": {"body": HTML}})
    waiting = headrace.enrol(workflow, contact_id)
    due = headrace.step(waiting, "wait", "running")["output_data"]["delay_until"]
    failed = headrace.run(workflow, headrace.contact(first_name=HTML, phone=None), "failed")
    (message,) = eventually(lambda: headrace.messages(waiting), "the message")
    return {
        "workflow": f"/workflows/{workflow['id']}",
        "enrollment": f"/enrollments/{waiting['id']}",
        "failed": f"/enrollments/{failed['id']}",
        "contact": path,
        "contact_id": contact_id,
        "then": f"{path}?at={waiting['enrolled_at'][:19]}",
        "why": f"{path}/why?enrollment_id={waiting['id']}",
        "why not": f"{path}/why?workflow_id={workflow['id']}&step_id=t",
        "due": due,
        "message": message["body"],
    }
