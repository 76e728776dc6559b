"""DESIGN 5.5, actions: an installed distribution brings a step kind by the entry point `headrace.actions`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dev_process import DevProcess
from tests.support.headrace import Headrace, step

ROOT = Path(__file__).parents[2]
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A directory for the Python path, with the distribution `greetings` as an installer leaves it."""
    site = tmp_path_factory.mktemp("site")
    (site / "greetings.py").write_text(CODE)
    information = site / "greetings-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: greetings\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    return site


@pytest.fixture(scope="module")
def process(installed, tmp_path_factory):
    environment = {"PYTHONPATH": f"{ROOT}:{installed}"}
    dev = DevProcess(
        tmp_path_factory.mktemp("plug-ins") / "data", "--no-sample", "--log-level", "warning", environment=environment
    )
    try:
        yield dev.start()
    finally:
        dev.end()


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
