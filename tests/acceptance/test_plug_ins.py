"""DESIGN 5.5, actions: an installed distribution brings a step kind by the entry point `headrace.actions`."""

import json
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import jsonschema
import pytest
import yaml

from tests.support.client import eventually
from tests.support.dev_process import DevProcess
from tests.support.headrace import Headrace, step

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plug_in"
LOYALTY_TOKEN = "a-token-of-the-loyalty-service"
CODE = '''
from headrace import Action, ActionContext, ActionResult

class Greet(Action):
    action_type = "greet"

    async def execute(self, contact, config, state):
        if config.get("fail") == "politely":
            return {"success": False, "error": "nobody was there"}
        if config.get("fail"):
            raise RuntimeError("it broke")
        times = state.get("times", 0) + 1
        key = ActionContext.current().idempotency_key
        return ActionResult.succeeded({"said": config["words"], "to": contact.first_name, "key": key}, state={"times": times})

    def validate_config(self, config):
        return "words" in config or "fail" in config

class Shout(Action):
    """Written as the user's own engine has it: a plain dict is the result."""
    action_type = "shout"

    async def execute(self, contact, config, state):
        return {"success": True, "state": {**state, "shouted": True}, "output": {"said": config["words"].upper()}}
'''
ENTRY_POINTS = "[headrace.actions]\ngreet = greetings:Greet\nshout = greetings:Shout\n"


class Loyalty(BaseHTTPRequestHandler):
    """Takes awards; the first call is answered with 503."""

    seen: ClassVar = []

    def do_POST(self):
        award = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.headers["Authorization"], self.headers["Idempotency-Key"], award))
        body = b'{"id": "award-7"}'
        self.send_response(200 if len(self.seen) > 1 else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A directory for the Python path, with the distribution `greetings` as an installer leaves it."""
    site = tmp_path_factory.mktemp("site")
    (site / "greetings.py").write_text(CODE)
    information = site / "greetings-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: greetings\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    install(EXAMPLE, site, tmp_path_factory.mktemp("example"))
    return site


def install(package: Path, site: Path, workshop: Path) -> None:
    """What `pip install` does, without a network; the package's own folder stays as it is."""
    copy = shutil.copytree(package, workshop / "package")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run(
        [*command, "--target", str(site), str(copy)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def process(installed, loyalty, tmp_path_factory):
    environment = {"PYTHONPATH": f"{ROOT}:{installed}", "HEADRACE_SECRET_LOYALTY_TOKEN": LOYALTY_TOKEN}
    environment |= {"LOYALTY_URL": loyalty.url}
    dev = DevProcess(
        tmp_path_factory.mktemp("plug-ins") / "data", "--no-sample", "--log-level", "warning", environment=environment
    )
    try:
        yield dev.start()
    finally:
        dev.end()


@pytest.fixture(scope="module")
def loyalty():
    """The loyalty service of the example."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Loyalty)
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def headrace(process) -> Headrace:
    return Headrace(process)


def test_plug_in_is_a_step_kind_with_rendered_text_output_and_state(headrace):
    workflow = headrace.workflow(
        step("one", "greet", words="Hi {{first_name}}", deep={"list": ["{{email}}"]}),
        step("two", "greet", words="again"),
        step("three", "shout", words="bye"),
        step("t", "add_tag", tag="{{steps.three.output.said}} {{enrollment.state.times}}"),
    )
    contact_id = headrace.contact()
    enrollment = headrace.run(workflow, contact_id)
    done = headrace.execution(enrollment, "one")
    assert (done["step_type"], done["status"], done["attempts"]) == ("greet", "completed", 1)
    assert done["input_data"] == {"words": "Hi Ada", "deep": {"list": ["ada@example.com"]}}
    assert done["output_data"] == {"said": "Hi Ada", "to": "Ada", "key": f"{enrollment['id']}/one/1"}
    assert enrollment["state"] == {"times": 2, "shouted": True}
    assert headrace.get(f"/contacts/{contact_id}")["tags"] == ["BYE 2"]


@pytest.mark.parametrize(
    ("fail", "code", "words"),
    [("politely", "action_failed", "nobody was there"), ("loudly", "action_error", "it broke")],
)
def test_failure_of_a_plug_in_is_a_failed_step(headrace, fail, code, words):
    enrollment = headrace.run(headrace.workflow(step("one", "greet", fail=fail)), status="failed")
    assert words in headrace.execution(enrollment, "one")["error_message"]
    (incident,) = [one for one in headrace.get("/incidents")["items"] if one["enrollment_id"] == enrollment["id"]]
    assert incident["code"] == code


def test_config_that_the_plug_in_refuses_is_refused_at_its_place(headrace):
    definition = {"name": "x", "trigger": {"type": "manual"}, "steps": [step("one", "greet", wrods="x")]}
    (found,) = headrace.draft(definition, expect=422)["diagnostics"]
    assert (found["code"], found["path"]) == ("bad_config", "steps[0].config")
    definition["steps"] = [step("one", "greet", words="{{ first_name")]
    assert headrace.draft(definition, expect=422)["diagnostics"][0]["code"] == "bad_liquid"


def test_dry_run_executes_no_plug_in(headrace):
    workflow = headrace.workflow(step("one", "greet", words="Hi {{first_name}}"))
    run = headrace.post(f"/workflows/{workflow['id']}/test?contact_id={headrace.contact()}")
    assert run["steps"][0]["input_data"] == {"words": "Hi Ada"}
    assert "said" not in run["steps"][0]["output_data"]


def test_command_line_knows_the_step_kind(installed, tmp_path):
    file = tmp_path / "workflow.yaml"
    file.write_text("name: x\ntrigger: {type: manual}\nsteps:\n  - {id: one, type: greet, config: {words: x}}\n")
    command = [sys.executable, "-m", "headrace", "validate", str(file)]
    for path, code in ((f"{ROOT}:{installed}", 0), (str(ROOT), 1)):
        done = subprocess.run(
            command, env={"PYTHONPATH": path}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done


def test_example_package_is_installed_and_its_workflow_runs(headrace, loyalty):
    workflow = headrace.upload("/workflows?publish=true", (EXAMPLE / "workflow.yaml").read_text())
    assert (workflow["status"], workflow["diagnostics"]) == ("active", [])
    contact_id = headrace.contact()
    headrace.send(contact_id, "review.written", {"product": "the kettle"})
    (enrollment,) = eventually(lambda: headrace.enrollments(workflow, contact_id), "the enrollment")
    headrace.until(enrollment["id"], "completed")
    key = f"{enrollment['id']}/award/1"
    award = {"customer": contact_id, "points": 50, "reason": "Thank you for your review of the kettle, Ada"}
    assert Loyalty.seen == [(f"Bearer {LOYALTY_TOKEN}", key, award)] * 2
    (message,) = headrace.messages(enrollment)
    assert message["body"] == "We added 50 points to your account (award award-7)."
    assert headrace.execution(enrollment, "award")["input_data"]["token"] == "{{ secrets.LOYALTY_TOKEN }}"


def test_config_that_breaks_the_declared_shape_is_told_at_its_place(headrace):
    source = (EXAMPLE / "workflow.yaml").read_text().replace("points: 50", "points: fifty").replace("token:", "tokn:")
    found = headrace.draft(source, expect=422)["diagnostics"]
    line = source.splitlines().index("      points: fifty") + 1
    assert [(one["code"], one["path"], one["line"]) for one in found] == [
        ("missing_key", "steps[0].config", line),
        ("wrong_type", "steps[0].config.points", line),
        ("unknown_key", "steps[0].config.tokn", line + 2),
    ]


def test_schema_of_the_language_knows_what_is_installed(installed):
    def schema(path):
        command = [sys.executable, "-m", "headrace", "schema"]
        done = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, timeout=60, check=True)
        return jsonschema.Draft202012Validator(json.loads(done.stdout))

    document = yaml.safe_load((EXAMPLE / "workflow.yaml").read_text())
    with_it = schema(f"{ROOT}:{installed}")
    assert with_it.is_valid(document)
    assert not schema(str(ROOT)).is_valid(document)
    document["steps"][0]["config"]["points"] = 0
    assert not with_it.is_valid(document)


def test_workflow_outlives_its_plug_in(process, headrace):
    """Uninstalled, its steps fail with words that say so; the engine starts and everything else goes on."""
    workflow = headrace.workflow(
        step("wait", "delay", duration=1), step("one", "greet", words="x", on_failure="continue"), step("t", "exit")
    )
    assert process.stop() == 0
    process.environment["PYTHONPATH"] = str(ROOT)
    without = Headrace(process.start())
    enrollment = without.run(workflow, status="exited")
    failed = without.execution(enrollment, "one")
    assert failed["status"] == "failed"
    assert "plug-in" in failed["error_message"]


def test_broken_plug_in_is_named_at_the_start(tmp_path):
    information = tmp_path / "broken-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[headrace.actions]\nbroken = nowhere_to_be_found:Action\n")
    with pytest.raises(AssertionError) as refused:
        DevProcess(tmp_path / "data", environment={"PYTHONPATH": f"{ROOT}:{tmp_path}"}).start()
    said = str(refused.value)
    assert "broken 1.0" in said
    assert "nowhere_to_be_found" in said
    assert "Traceback" not in said
