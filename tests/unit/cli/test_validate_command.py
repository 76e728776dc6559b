"""`headrace validate`: offline, with place, message, hint and the line itself."""

import io
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"

GOOD = """\
name: Welcome
trigger: {type: contact_created}
steps:
  - {id: hello, type: send_sms, config: {body: "Hi {{first_name}}"}}
"""
BAD = GOOD.replace("send_sms", "send_smss")
WARNING = GOOD.replace("{{first_name}}", "{{fist_name}}")


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    return write_file


@pytest.mark.parametrize("name", ["new-lead-welcome.yaml", "spring-offer.yaml"])
def test_an_example_is_without_a_finding(command, name):
    result = command("validate", "--strict", EXAMPLES / name)

    assert result.code == 0
    assert "no errors, no warnings" in result.out


def test_the_json_example_has_the_one_error_that_its_page_tells_of(command):
    result = command("validate", EXAMPLES / "new-lead-welcome.json")

    assert result.code == 1
    assert ":25:15 error dangling_next " in result.out


def test_a_finding_shows_place_message_hint_line_and_caret(command, write):
    result = command("validate", write("bad.yaml", BAD))
    lines = result.out.splitlines()

    assert result.code == 1
    assert lines[0].startswith("bad.yaml:4:23 error unknown_step_kind ")
    assert lines[1] == "    hint: did you mean 'send_sms'?"
    assert lines[-3] == '    |   - {id: hello, type: send_smss, config: {body: "Hi {{first_name}}"}}'
    assert lines[-2].index("^") - len("    | ") == 22
    assert lines[-1] == "bad.yaml: workflow 'Welcome': 1 error, no warnings"


def test_a_warning_does_not_fail_unless_strict(command, write):
    name = write("warning.yaml", WARNING)

    assert command("validate", name).code == 0
    assert command("validate", "--strict", name).code == 1
    assert command("validate", name, HEADRACE_VALIDATE_STRICT="1").code == 1


def test_one_bad_file_among_good_ones_fails(command, write):
    result = command("validate", write("good.yaml", GOOD), write("bad.yaml", BAD))

    assert result.code == 1
    assert "good.yaml: workflow 'Welcome': no errors, no warnings" in result.out


def test_standard_input_is_read(command, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    result = command("validate", "-")

    assert result.code == 1
    assert result.out.startswith("<stdin>:4:23 error unknown_step_kind ")


def test_json_has_every_finding_and_nothing_else(command, write):
    result = command("validate", "--json", write("bad.yaml", BAD), write("good.yaml", GOOD))

    assert result.code == 1
    assert result.json["ok"] is False
    assert result.json["errors"] == 1
    bad, good = result.json["files"]
    (document,) = bad["documents"]
    (finding,) = document["diagnostics"]
    assert (finding["line"], finding["column"], finding["code"]) == (4, 23, "unknown_step_kind")
    assert good == {"file": "good.yaml", "documents": [{"kind": "workflow", "name": "Welcome", "diagnostics": []}]}


def test_each_document_of_a_file_has_its_verdict_with_lines_of_the_file(command, write):
    result = command("validate", write("two.yaml", GOOD + "---\n" + BAD))

    assert "two.yaml:9:23 error unknown_step_kind" in result.out
    assert "send_smss" in next(line for line in result.out.splitlines() if line.startswith("    |   -"))


UNREADABLE = {
    "empty": b"",
    "nul": b"name: a\0b",
    "not_utf8": b"name: \xff\xfe",
    "utf16": "name: x".encode("utf-16"),
    "too_large": b"#" * (2 * 2**20),
    "tabs": b"name: x\nsteps:\n\t- a",
    "yaml": b"name: [",
    "json": b'{"name": ',
    "escape_sequence": b"name: \x1b[2J",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_whatever_comes_in_is_a_finding_and_no_traceback(command, write, content):
    result = command("validate", write("file", content))

    assert result.code == 1
    assert result.out.startswith("file:")
    assert "\x1b" not in result.out
    assert "\0" not in result.out
    assert result.err == ""


def test_the_true_size_of_a_file_that_is_too_large_is_told(command, write):
    assert "found 2,097,152" in command("validate", write("big.yaml", b"#" * (2 * 2**20))).out


def test_of_a_long_line_only_the_part_around_the_caret_is_shown(command, write):
    text = GOOD.replace("Welcome", "x" * 150) + "nonsense: 1\n"
    long_line = "{" + "name: " + "y" * 5000 + ", nonsense: 1}"
    result = command("validate", write("long.yaml", long_line), write("short.yaml", text))

    assert max(len(line) for line in result.out.splitlines() if line.startswith("    |")) < 120


def test_a_directory_is_not_a_file(command, tmp_path):
    result = command("validate", tmp_path)

    assert result.code == 2
    assert "cannot read" in result.err
