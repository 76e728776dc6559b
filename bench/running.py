"""The benchmarks there are, and running one: in a new process, so that no other's memory, imports or threads count."""

import asyncio
import importlib
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.figure import Figure

BENCHMARKS = (
    "throughput",
    "non_matching",
    "latency",
    "sending",
    "timers",
    "start",
    "fold",
    "rebuild",
    "verify",
    "why",
    "backtest",
    "simulate",
    "memory",
    "kafka",
    "rebalance",
)
"""Each is a module of this package with `async run(directory, size) -> [Figure]`; `size` is `full` or `quick`."""


def about(name: str) -> str:
    """What a benchmark measures, in a line."""
    return (importlib.import_module(f"bench.{name}").__doc__ or "").splitlines()[0].partition(": ")[2]


def run_once(name: str, size: str, directory: Path) -> list[Figure]:
    """What one run of a benchmark measured, with a directory of its own inside the one that is given."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=directory) as own, ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_run, name, size, Path(own)).result()


def _run(name: str, size: str, directory: Path) -> list[Figure]:
    found: list[Figure] = asyncio.run(importlib.import_module(f"bench.{name}").run(directory, size))
    return found
