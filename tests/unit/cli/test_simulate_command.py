"""`headrace simulate`: what it prints, and what it says when it can't."""

import pytest

WORKFLOW = "name: Hello\ntrigger: {type: contact_created}\nsteps:\n  - {id: hi, type: send_sms, config: {body: Hi}}\n"


@pytest.fixture
def definition(tmp_path):
    path = tmp_path / "hello.yaml"
    path.write_text(WORKFLOW)
    return str(path)


def test_it_says_what_happened_per_step(command, definition):
    result = command("simulate", definition, "--contacts", "30", "--days", "2", "--until", "2026-11-01")

    assert result.code == 0
    assert "30 contacts, 2 days to 2026-11-01T00:00:00.000Z, seed 1" in result.out
    assert "Hello: 30 enrolled" in result.out
    assert "hi" in result.out


def test_json_has_all_of_it(command, definition, tmp_path):
    into = tmp_path / "history"
    found = command("simulate", definition, "--contacts", "30", "--into", str(into), "--json").json

    (workflow,) = found["workflows"]
    assert (found["contacts"], workflow["enrolled"], found["data_dir"]) == (30, 30, str(into))
    assert [step["step_id"] for step in workflow["steps"]] == ["hi"]
    assert (into / "log").is_dir()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--until", "tomorrow"], "expected a time such as"),
        (["--contacts", "0"], "--contacts"),
        (["--days", "0"], "--days"),
    ],
)
def test_a_wrong_option_is_named(command, definition, options, words):
    result = command("simulate", definition, *options)

    assert result.code == 2
    assert words in result.err


def test_a_directory_that_has_a_history_is_refused(command, definition, tmp_path):
    command("simulate", definition, "--contacts", "1", "--into", str(tmp_path / "a"))
    result = command("simulate", definition, "--contacts", "1", "--into", str(tmp_path / "a"))

    assert result.code == 1
    assert "has a history already; name another directory" in result.err
