"""What a plug-in imports from `headrace`."""

import subprocess
import sys

import pytest

import headrace
from domain import action


@pytest.mark.parametrize("name", headrace.__all__)
def test_a_public_name_is_the_one_of_the_domain(name):
    assert getattr(headrace, name) is getattr(action, name)


def test_the_users_name_for_an_action_is_exported():
    assert headrace.WorkflowAction is headrace.Action


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Acton'"):
        headrace.Acton  # noqa: B018 - looking is the test


def test_all_names_are_listed():
    assert set(dir(headrace)) >= {"Action", "ActionRegistry", "ActionResult", "WorkflowAction"}


def test_importing_headrace_imports_none_of_them_yet():
    code = "import sys, headrace; sys.exit('domain.action' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
