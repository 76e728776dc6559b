"""Backtests over a log that the real engine wrote: read in one process or in several, through the job and the command line."""

import json
import os
from pathlib import Path

import pytest

from headrace.cli import run
from headrace.jobs.backtest import Request
from headrace.jobs.backtest import run as run_job
from headrace.jobs.backtest_versions import VersionRef
from headrace.jobs.context import JobContext
from headrace.jobs.refusal import Refused
from headrace.settings import load_settings

END = "2027-03-01T00:00:00Z"
NAME = "Offer"
LIVE = """
name: Offer
trigger: {type: contact_created}
reentry: always
steps:
  - {id: split, type: ab_split, config: {paths: [sms, email]}, branches: {sms: sms, email: mail}}
  - {id: sms, type: send_sms, config: {body: "Hi {{first_name}}"}, next: wait}
  - {id: mail, type: send_email, config: {subject: Hi, body: "Hi {{first_name}}"}, on_failure: continue}
  - {id: wait, type: delay, config: {duration: 1, unit: days}}
  - id: replied
    type: condition
    config: {field: last_sms_reply, operator: exists}
    branches: {"true": warm, "false": end}
  - {id: warm, type: add_tag, config: {tag: warm}}
"""
FOLLOWS = """
name: Follows
trigger: {type: tag_added, config: {tag: warm}}
steps:
  - {id: mark, type: update_field, config: {field: stage, value: warm}}
  - {id: thanks, type: send_sms, config: {body: "Thanks"}}
"""
CANDIDATE = LIVE.replace("duration: 1, unit: days", "duration: 2, unit: days")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    """Ten days of 200 contacts in two workflows."""
    directory = tmp_path_factory.mktemp("simulated")
    files = {"live.yaml": LIVE, "follows.yaml": FOLLOWS}
    for name, text in files.items():
        (directory / name).write_text(text)
    paths = [str(directory / name) for name in files]
    into = directory / "data"
    code = run(["simulate", *paths, "--contacts", "200", "--days", "10", "--until", END, "--into", str(into)])
    assert code == 0
    return into


@pytest.fixture
def context(data_dir, monkeypatch) -> JobContext:
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEADRACE_DATA_DIR", str(data_dir))
    monkeypatch.setattr(JobContext, "progress", lambda *_, **__: None)
    return JobContext(settings=load_settings())


async def test_the_live_version_would_have_done_what_it_did(context):
    request = Request(new=VersionRef(workflow=NAME), old=VersionRef(actual=True), until=END, fail_if=["changed>0"])

    answer = await run_job(request, context)

    report = answer.report
    assert answer.ok
    assert report["difference"]["changes"]["same"] == report["new"]["measures"]["contacts"] > 100
    for name in ("measures", "ends", "steps", "channels", "days", "started", "failures"):
        assert report["new"][name] == report["old"][name], name
    assert report["new"]["started"][0]["name"] == "Follows"


async def test_processes_share_the_work_and_come_to_the_same(context):
    request = Request(new=VersionRef(text=CANDIDATE), old=VersionRef(), until=END, samples=3, workers=1)

    alone = (await run_job(request, context)).report
    together = (await run_job(Request(**{**_fields(request), "workers": 2}), context)).report

    assert json.dumps(together, sort_keys=True) == json.dumps(alone, sort_keys=True)
    assert alone["difference"]["changed"] > 50
    assert {len(sample["old"]) for sample in alone["difference"]["samples"]} == {1}


async def test_the_window_may_begin_and_end_anywhere(context):
    week = Request(new=VersionRef(workflow=NAME), old=VersionRef(actual=True), since="2027-02-22", until="2027-02-25")

    report = (await run_job(week, context)).report

    assert 0 < report["new"]["measures"]["contacts"] < 100
    assert report["difference"]["changed"] == 0
    assert {day["date"] for day in report["new"]["days"] if day["enrolled"]} <= {
        "2027-02-22",
        "2027-02-23",
        "2027-02-24",
    }


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"new": VersionRef(text="name: x\nsteps: 1")}, "has_errors", "has errors"),
        ({"new": VersionRef(workflow="Ofer")}, "not_found", "did you mean 'Offer'?"),
        ({"new": VersionRef(workflow=NAME, version=9)}, "not_found", "no version 9; its latest is 1"),
        ({"new": VersionRef(workflow=NAME), "old": VersionRef(workflow="Follows")}, "several_workflows", "one by one"),
        ({"new": VersionRef()}, "no_workflow", "name one"),
        ({"new": VersionRef(text=LIVE + "---\n" + FOLLOWS)}, "not_one_workflow", "found 2"),
        ({"new": VersionRef(text=LIVE), "since": "tomorrow"}, "bad_window", "found 'tomorrow'"),
        ({"new": VersionRef(text=LIVE), "since": "2028-01-01", "until": END}, "bad_window", "before `until`"),
        ({"new": VersionRef(text=LIVE), "fail_if": ["sms>+5%"]}, "bad_limit", "--compare"),
        ({"new": VersionRef(text=LIVE), "fail_if": ["sms"]}, "bad_limit", "found 'sms'"),
    ],
)
async def test_what_makes_no_sense_is_refused(context, fields, code, says):
    with pytest.raises(Refused) as refused:
        await run_job(Request(**fields), context)

    assert refused.value.code == code
    assert says in str(refused.value)


def test_the_command_line_prints_both_paths_and_fails_by_a_limit(context, capfd, tmp_path):
    file = tmp_path / "candidate.yaml"
    file.write_text(CANDIDATE)

    code = run(["diff", NAME, str(file), "--here", "--until", END, "--samples", "1", "--fail-if", "changed>10%"])

    out, err = capfd.readouterr()
    assert code == 1
    assert "Offer: Offer@1 → candidate.yaml" in out
    assert "Where their paths part:" in out
    assert "█" in out
    assert "changed>10% holds: changed is" in err


def test_the_command_line_gives_json_and_nothing_else(context, capfd, tmp_path):
    file = tmp_path / "candidate.yaml"
    file.write_text(CANDIDATE)

    code = run(["backtest", str(file), "--here", "--until", END, "--sms-cost", "0.5", "--json"])

    found = json.loads(capfd.readouterr().out)
    measures = found["new"]["measures"]
    assert code == 0
    assert found["old"] is found["difference"] is None
    assert measures["cost"] == measures["sms_parts"] * 0.5 > 0


def test_a_files_errors_are_shown_where_they_are(command_free_env, capfd, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(LIVE.replace("type: delay", "type: dlay"))

    code = run(["backtest", str(file)])

    assert code == 1
    assert "bad.yaml:9:22 error unknown_step_kind" in capfd.readouterr().err


@pytest.fixture
def command_free_env(monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)


def _fields(request: Request) -> dict[str, object]:
    return {name: getattr(request, name) for name in Request.__struct_fields__}
