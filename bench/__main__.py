"""`python -m bench [NAME ...]`: runs benchmarks, each in a process of its own, and prints what they measured."""

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.figure import Summary, summarize, text
from bench.machine import describe
from bench.running import BENCHMARKS, about, run_once

LINE = 110
"""Columns of a table that goes into a file."""


def main(arguments: list[str] | None = None) -> int:
    """Run what is named, or everything; 1 when a benchmark failed."""
    given = _parser().parse_args(arguments)
    console = Console(stderr=given.json)
    if not console.is_terminal:
        console.width = LINE
    if given.list:
        for name in BENCHMARKS:
            console.print(f"{name:14}{about(name)}")
        return 0
    size = "quick" if given.quick else "full"
    found: dict[str, list[Summary]] = {}
    failed = False
    with tempfile.TemporaryDirectory(prefix="headrace-bench-", dir=given.directory) as directory:
        machine = describe(Path(directory))
        console.print("  ".join(f"{name}: {value}" for name, value in machine.items()))
        for name in given.names or BENCHMARKS:
            try:
                found[name] = summarize([run_once(name, size, Path(directory)) for _ in range(given.repeat)])
            except Exception as error:  # noqa: BLE001 the others are still worth running
                failed = True
                console.print(f"{name} failed: {type(error).__name__}: {error}", style="red")
            else:
                console.print(_table(name, found[name], given.repeat))
    if given.json:
        report = {"machine": machine, "size": size, "runs": given.repeat, "benchmarks": found}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--quick", action="store_true", help="smaller counts: seconds instead of a minute each")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run each N times and show the medians")
    parser.add_argument("--json", action="store_true", help="JSON on standard output, tables on standard error")
    parser.add_argument("--directory", type=Path, help="where the data goes while it runs (a disk, not tmpfs)")
    return parser


def _table(name: str, figures: list[Summary], runs: int) -> Table:
    table = Table(title=name, title_justify="left", title_style="bold", min_width=90)
    table.add_column("figure", ratio=1)
    table.add_column("median" if runs > 1 else "measured", justify="right")
    if runs > 1:
        table.add_column("lowest", justify="right")
        table.add_column("highest", justify="right")
    table.add_column("unit")
    for one in figures:
        values = (one.median, one.lowest, one.highest) if runs > 1 else (one.median,)
        table.add_row(one.name, *map(text, values), one.unit)
    return table


if __name__ == "__main__":
    sys.exit(main())
