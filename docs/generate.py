"""Write the parts of the docs that the code knows best; `make docs` runs it, and a test says whether it should be run.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer

from domain import enrollment, execution
from domain.operators import operators_table
from headrace.cli.app import app
from headrace.cli.variables import every_option, option_variables
from headrace.dev_options import DevOptions
from headrace.settings import Settings, variable
from schemas.metrics import ROLES, MetricSpec

DOCS: Final = Path(__file__).parent


def status_diagram(transitions: Mapping[str, frozenset[str]]) -> str:
    """A table of transitions as a mermaid state diagram; the first status is where everything starts."""
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR", f"    [*] --> {next(iter(transitions))}"]
    for status, targets in transitions.items():
        lines += [f"    {status} --> {target}" for target in sorted(targets)] or [f"    {status} --> [*]"]
    return "\n".join([*lines, "```"])


def settings_table() -> str:
    """Every setting with its default and meaning."""
    only_dev = DevOptions.model_fields.keys() - Settings.model_fields.keys()
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in DevOptions.model_fields.items():
        meaning = (field.description or "") + (f" Example: `{field.examples[0]}`." if field.examples else "")
        meaning = f"`headrace dev` only: {meaning}" if name in only_dev else meaning
        rows.append(f"| `{variable(name)}` | {_default(field.default)} | {meaning} |")
    return "\n".join(rows)


def _default(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return f"`{','.join(f'{part:g}' for part in value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def command_reference() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_commands(typer.main.get_command(app), "headrace")).strip()


def _commands(command: Any, path: str) -> Iterator[str]:
    below = getattr(command, "commands", {})
    if not below:
        yield _command(command, path)
    for name, child in below.items():
        yield from _commands(child, f"{path} {name}")


def _command(command: Any, path: str) -> str:
    arguments = [p.metavar or p.name.upper() for p in command.params if p.param_type_name == "argument"]
    text = [f"## `{' '.join([path, *arguments])}`", re.sub(r"\n +", "\n", command.help.strip())]
    rows = [
        f"| `{option}` | {' '.join(f'`{name}`' for name in option_variables(definition))} | {definition.help} |"
        for _, option, definition in every_option(command, path)
    ]
    return "\n\n".join([*text, "\n".join(["| option | variable | meaning |", "|---|---|---|", *rows])])


def metrics_tables() -> str:
    """Every metric by the role that shows it."""
    return "\n\n".join(_metrics_table(role, specs) for role, specs in ROLES.items())


def _metrics_table(role: str, specs: Sequence[MetricSpec]) -> str:
    rows = [
        f"| `{spec.name}` | {spec.kind} | {' '.join(f'`{label}`' for label in spec.labels)} | {spec.help} |"
        for spec in specs
    ]
    return "\n".join(
        [
            f"## {'API' if role == 'api' else role.capitalize()}",
            "",
            "| metric | kind | labels | meaning |",
            "|---|---|---|---|",
            *rows,
        ]
    )


PARTS: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "architecture.md": {
        "enrollment statuses": lambda: status_diagram(enrollment.TRANSITIONS),
        "execution statuses": lambda: status_diagram(execution.TRANSITIONS),
    },
    "settings.md": {"settings": settings_table},
    "cli.md": {"commands": command_reference},
    "reference/operators.md": {"operators": operators_table},
    "operations/metrics.md": {"metrics": metrics_tables},
}
"""Page -> part -> what belongs there."""


def generated(page: str) -> str:
    """The whole page, with its generated parts as they should be."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, make in PARTS[page].items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            message = f"expected {begin!r} and {end!r} in docs/{page}, found not both: put them where the part belongs"
            raise SystemExit(message)
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


def main() -> None:
    """Write every page that has changed."""
    for page in PARTS:
        text = generated(page)
        if text != (DOCS / page).read_text(encoding="utf-8"):
            (DOCS / page).write_text(text, encoding="utf-8")
            sys.stdout.write(f"docs/{page} was written\n")


if __name__ == "__main__":
    main()
