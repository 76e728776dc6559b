"""The README as a new user follows it, and what `headrace dev` says when it is started wrongly."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dev_process import DevProcess, eventually

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def dev(tmp_path):
    process = DevProcess(tmp_path / "data", "--log-level", "warning")
    yield process
    process.end()


def test_the_readmes_ten_lines_run_as_they_are_written(dev, tmp_path):
    """But for the ports, and with the `headrace` of this interpreter."""
    dev.start()
    block = re.search(r"## Ten lines.*?```bash\n(.*?)```", README, re.DOTALL).group(1)
    lines = [line for line in block.splitlines() if line and not line.startswith(". .venv")]
    assert len(lines) == 10
    script = "\n".join(lines).replace("http://127.0.0.1:8080", dev.url).replace("http://127.0.0.1:8090", dev.sandbox)
    command = tmp_path / "bin" / "headrace"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m headrace "$@"\n')
    command.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    environment |= {"PATH": f"{command.parent}:{os.environ['PATH']}", "HEADRACE_URL": dev.url, "HEADRACE_PORT": "0"}
    environment |= {"HEADRACE_PROVIDERS_PORT": "0", "HEADRACE_DATA_DIR": str(dev.directory)}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "welcome_sms" in json.dumps(eventually(dev.inbox, "the SMS of the curl"))
    assert '"result":"accepted"' in done.stdout
    assert "all is well" in done.stdout


def test_the_readmes_workflow_is_clean(tmp_path, headrace):
    block = re.search(r"## A workflow\n\n```yaml\n(.*?)```", README, re.DOTALL).group(1)
    made = headrace.upload("/workflows", block)
    assert made["diagnostics"] == []


def start_wrongly(tmp_path, *options, **environment):
    """What `headrace dev` says to a wrong start: an exit code, and sentences without a traceback."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    ports = [] if "--port" in options else ["--port", "0"]
    command = [sys.executable, "-m", "headrace", "dev", *ports, "--providers-port", "0", *options]
    if "--data-dir" not in options:
        command += ["--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode in (1, 2), said
    assert "Traceback" not in said
    assert re.search("^(headrace: |Error: )", said, re.MULTILINE), said
    return said


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "fast"])
def test_time_scale_that_makes_no_sense(tmp_path, scale):
    assert re.search("time.scale", start_wrongly(tmp_path, "--time-scale", scale), re.IGNORECASE)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_data_directory_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").touch()
    assert "HEADRACE_DATA_DIR" in start_wrongly(tmp_path, "--data-dir", str(tmp_path / place))


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:hush@127.0.0.1:9/x", "postgresql://me:hush@nowhere.invalid/x", "mysql://me:hush@127.0.0.1/x"],
)
def test_database_that_is_not_there(tmp_path, url):
    said = start_wrongly(tmp_path, HEADRACE_DATABASE_URL=url)
    assert "HEADRACE_DATABASE_URL" in said
    assert "hush" not in said, "passwords are not shown"


def test_port_out_of_range(tmp_path):
    assert "65535" in start_wrongly(tmp_path, "--port", "99999")
