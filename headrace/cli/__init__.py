"""The command line. `main` is the `headrace` script; each command stands in a file of its name."""

import os
import sys
from collections.abc import Sequence

from domain.errors import HeadraceError
from headrace.cli.exits import OK, exit_code
from headrace.cli.output import note


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's own) and give its exit code.

    An expected failure is a sentence on standard error; HEADRACE_DEBUG=1 lets its traceback through.
    """
    from headrace.cli.app import app

    try:
        app(args=None if arguments is None else list(arguments), prog_name="headrace")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    except HeadraceError as error:
        if os.environ.get("HEADRACE_DEBUG") == "1":
            raise
        note(f"headrace: {error}")
        return exit_code(error)
    return OK


def main() -> None:
    """The `headrace` script."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets its escape, not a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run())
