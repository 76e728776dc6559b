"""The environment variables that options of the command line read, as its help names them."""

from collections.abc import Iterator
from typing import Any

DEBUG = "HEADRACE_DEBUG"
TEST_VARIABLES = ("HEADRACE_TEST_STRICT", "HEADRACE_TEST_KAFKA", "HEADRACE_TEST_DATABASE_URL")
"""Read by the tests alone; nobody should be warned of them."""


def command_line_variables(root: Any) -> set[str]:
    """Every variable that some option of `headrace`, or of a command below it, reads."""
    found = {name for _, _, option in every_option(root) for name in option_variables(option)}
    return {*found, DEBUG, *TEST_VARIABLES}


def every_option(command: Any, path: str = "headrace") -> Iterator[tuple[str, str, Any]]:
    """(command, option, its definition) for each option of a command and of those below it."""
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield path, max(parameter.opts, key=len), parameter
    for name, below in getattr(command, "commands", {}).items():
        yield from every_option(below, f"{path} {name}")


def option_variables(option: Any) -> tuple[str, ...]:
    """The environment variables of an option."""
    names = option.envvar or ()
    return (names,) if isinstance(names, str) else tuple(names)
