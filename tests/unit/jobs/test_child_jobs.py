"""A job's child process: what it says is handed on, and however it ends there is a last word."""

import contextlib
import sys

import msgspec
import pytest

from headrace.jobs import child
from headrace.jobs.child import ChildJobs, JobsBusy, environment_of
from headrace.jobs.message import Failure, Progress, Report, decode
from headrace.settings import load_settings


@pytest.fixture(autouse=True)
def no_heartbeat(monkeypatch):
    """What a child says is all that is heard, however slowly it starts on a loaded machine."""
    monkeypatch.setattr(child, "_HEARTBEAT_S", 3_600)


async def messages(jobs: ChildJobs, kind: str = "anything", **body: object) -> list:
    return [decode(line) async for line in jobs.run(kind, body)]


def script(text: str) -> ChildJobs:
    """Jobs whose child process runs this script."""
    return ChildJobs({}, command=(sys.executable, "-c", f"import sys, time\n{text}"))


async def test_an_unknown_kind_is_refused_with_the_kinds_that_there_are(tmp_path):
    settings = load_settings(data_dir=tmp_path)

    (last,) = await messages(ChildJobs(environment_of(settings, None)), "dance")

    assert isinstance(last, Failure)
    assert (last.status, last.code) == (404, "not_found")
    assert "'dance'" in last.detail


async def test_progress_comes_while_the_job_works_and_the_report_last():
    jobs = script("""
asked = sys.stdin.readline()
print('{"type":"progress","done":1,"total":2,"unit":"events","per_second":1.0}', flush=True)
print('{"type":"report","report":' + asked.strip() + '}', flush=True)
""")

    first, last = await messages(jobs, "echo", a=1)

    assert first == Progress(1, 2, "events", 1.0)
    assert last.report == {"kind": "echo", "body": {"a": 1}}


async def test_a_job_that_dies_says_so():
    (last,) = await messages(script("sys.exit(3)"))

    assert (last.code, "ended with 3" in last.detail) == ("job_died", True)


async def test_a_job_that_was_killed_says_by_what():
    (last,) = await messages(script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))

    assert (last.code, "ended by SIGKILL" in last.detail) == ("job_died", True)


async def test_a_silent_job_is_heard_of_all_the_same(monkeypatch):
    monkeypatch.setattr(child, "_HEARTBEAT_S", 0.01)
    jobs = script("time.sleep(60)")

    async with contextlib.aclosing(jobs.run("sleep", {})) as lines:
        assert isinstance(decode(await anext(lines)), Progress)


async def test_nothing_is_heard_after_the_last_word_however_slowly_the_process_ends(monkeypatch):
    monkeypatch.setattr(child, "_HEARTBEAT_S", 0.01)
    monkeypatch.setattr(child, "_TO_END_S", 0.1)
    jobs = script("""print('{"type":"report","report":1}', flush=True)
time.sleep(60)""")

    *_, last = await messages(jobs)

    assert last == Report(1)


async def test_who_goes_away_ends_the_job_and_makes_room(monkeypatch):
    monkeypatch.setattr(child, "_HEARTBEAT_S", 0.01)
    jobs = script("time.sleep(60)")

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            lines = await stack.enter_async_context(contextlib.aclosing(jobs.run("sleep", {})))
            await anext(lines)
        with pytest.raises(JobsBusy):
            await messages(jobs)

    async with contextlib.aclosing(jobs.run("sleep", {})) as lines:
        await anext(lines)


def test_the_child_knows_what_its_parent_was_started_with(tmp_path):
    settings = load_settings(data_dir=tmp_path, contact_events_topic="crm")

    given = environment_of(settings, "postgresql://db")

    assert given["HEADRACE_DATA_DIR"] == str(tmp_path)
    assert given["HEADRACE_DATABASE_URL"] == "postgresql://db"
    assert given["HEADRACE_CONTACT_EVENTS_TOPIC"] == "crm"
    assert "HEADRACE_KAFKA" not in given


def test_messages_begin_with_their_type():
    """`ChildJobs` tells a last word by it."""
    assert child.encode_line(Failure(1, "a", "b")).startswith(b'{"type":"failure"')
    assert msgspec.json.decode(child.encode_line(Progress(1, None, "x", 0)))["type"] == "progress"
