"""A record that could not be read is corrected and replayed, and its contact goes on as if it had been right at once."""

import subprocess
import sys

import pytest

from tests.acceptance.test_raw_records import TAGGED, record, write
from tests.support.dev_process import DevProcess, eventually
from tests.support.headrace import Headrace, step


def run_headrace(*arguments):
    return subprocess.run([sys.executable, "-m", "headrace", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def dev(tmp_path):
    process = DevProcess(tmp_path / "data", "--no-sample", "--log-level", "warning")
    yield process
    process.end()


async def test_a_corrected_record_is_taken_in_once(dev, tmp_path):
    headrace = Headrace(dev.start())
    workflow = headrace.workflow(step("mark", "add_tag", tag="marked"), trigger=TAGGED)
    assert dev.stop() == 0
    await write(dev.directory, record("elsewhere", b'{"type": "contact.tag_added", "contact_id": "ada"'))
    headrace = Headrace(dev.start())
    (letter,) = eventually(lambda: headrace.get("/dead-letters?status=open")["items"], "the dead letter")
    assert letter["reason"] == "not_json"
    headrace.post(f"/dead-letters/{letter['id']}/replay", expect=409)

    corrected = tmp_path / "corrected.json"
    corrected.write_text('{"type": "contact.tag_added", "contact_id": "ada", "data": {"tag": "raw"}}')
    command = ["dead-letters", "replay", letter["id"], "--value", str(corrected), "--url", headrace.url]
    done = run_headrace(*command)
    assert (done.returncode, done.stdout) == (0, f"{letter['id']} was replayed: accepted\n"), done.stderr

    eventually(lambda: headrace.enrollments(workflow, "ada"), "the enrollment")
    (event,) = [one for one in headrace.timeline("ada") if one["type"] == "contact_event_accepted"]
    assert event["data"]["event_id"] == f"contact-events/{letter['partition']}/{letter['offset']}"
    shown = headrace.get(f"/dead-letters/{letter['id']}")
    assert shown["status"] == "replayed"
    assert headrace.get(f"/commands/{shown['replayed_by']}")["status"] == "accepted"
    headrace.post(f"/dead-letters/{letter['id']}/replay", expect=409)
