"""`headrace backtest` and `headrace diff`: how versions are named, what is asked for, and how numbers are drawn."""

import pytest

from headrace.cli.backtest_tables import bar
from headrace.cli.version_refs import version_ref
from headrace.errors import UsageError

DEFINITION = "name: x\ntrigger: {type: manual}\nsteps:\n  - {id: a, type: exit}\n"


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("actual", {"actual": True}),
        ("published", {}),
        ("3", {"version": 3}),
        ("Welcome", {"workflow": "Welcome"}),
        ("Welcome@published", {"workflow": "Welcome"}),
        ("Welcome@3", {"workflow": "Welcome", "version": 3}),
        ("me@home@3", {"workflow": "me@home", "version": 3}),
    ],
)
def test_a_version_is_named_in_words(text, ref):
    assert version_ref(text) == ref


def test_a_file_goes_with_its_text_and_name(tmp_path):
    file = tmp_path / "welcome.yaml"
    file.write_text(DEFINITION)

    assert version_ref(str(file)) == {"text": DEFINITION, "filename": "welcome.yaml"}


@pytest.mark.parametrize("text", ["Welcome@latest", "Welcome@v3", "missing.yaml"])
def test_what_names_nothing_is_refused(text):
    with pytest.raises(UsageError):
        version_ref(text)


def test_a_bar_is_exact_to_an_eighth_and_something_is_never_nothing():
    assert bar(30, 30) == "█" * 30
    assert bar(15, 30) == "█" * 15
    assert bar(1, 240) == "▏"
    assert bar(1, 100_000) == "▏"
    assert bar(0, 30) == bar(0, 0) == ""


def test_headrace_is_asked_once_for_both_versions(call, headrace, tmp_path):
    file = tmp_path / "welcome.yaml"
    file.write_text(DEFINITION)

    result = call("diff", "Welcome@2", file, "--since", "7d", "--fail-if", "messages>+5%", "--sms-cost", "0.01")

    (request,) = headrace.requests
    assert (request.method, request.path) == ("POST", "/api/v1/jobs/backtest")
    assert request.body["old"] == {"workflow": "Welcome", "version": 2}
    assert request.body["new"]["filename"] == "welcome.yaml"
    assert (request.body["since"], request.body["fail_if"]) == ("7d", ["messages>+5%"])
    assert request.body["prices"]["sms"] == 0.01
    assert result.code == 1, "this Headrace has no answer"
