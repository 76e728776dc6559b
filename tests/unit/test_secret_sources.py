"""Where secrets come from: variables and a file, and what is said about a wrong one."""

import json

import pytest

from headrace.errors import SettingsError
from headrace.secrets import load_secrets
from headrace.settings import Settings


def load(environment=None, text=None, tmp_path=None):
    path = None
    if text is not None:
        path = tmp_path / "secrets"
        path.write_text(text)
    return load_secrets(Settings(secrets_file=path), environment or {})


def test_variables_are_secrets_by_their_names():
    secrets = load(
        {"HEADRACE_SECRET_CRM": " one ", "HEADRACE_SECRET_EMPTY": "", "HEADRACE_SECRETS_FILE": "x", "CRM": "y"}
    )
    assert secrets._values == {"CRM": "one"}


@pytest.mark.parametrize("text", ["# the CRM's\n\nA = a=b \nB=two\n", json.dumps({"A": "a=b", "B": "two"})])
def test_file_has_lines_or_a_json_object_and_a_variable_beats_it(text, tmp_path):
    assert load({"HEADRACE_SECRET_B": "mine"}, text, tmp_path)._values == {"A": "a=b", "B": "mine"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nTOP-SECRET\n", "expected NAME=value in line 2"),
        ("A=\n", "expected NAME=value in line 1"),
        ("1A=TOP-SECRET\n", "line 1 of HEADRACE_SECRETS_FILE: expected a name"),
        ('{"A": TOP-SECRET}', "expected a JSON object"),
        ('{"A": 5}', "expected a JSON object"),
        ('{"a b": "TOP-SECRET"}', "a key in HEADRACE_SECRETS_FILE: expected a name"),
        ("A=" + "x" * 1_048_576, "at most 1 MiB"),
    ],
)
def test_wrong_file_is_explained_and_never_quoted(text, words, tmp_path):
    with pytest.raises(SettingsError) as refused:
        load(None, text, tmp_path)
    assert words in str(refused.value)
    assert "TOP-SECRET" not in str(refused.value)


def test_missing_file_and_a_bad_name_of_a_variable_are_told(tmp_path):
    with pytest.raises(SettingsError, match="can't be read"):
        load_secrets(Settings(secrets_file=tmp_path / "gone"), {})
    with pytest.raises(SettingsError, match="HEADRACE_SECRET_A-B: expected a name"):
        load({"HEADRACE_SECRET_A-B": "x"})
