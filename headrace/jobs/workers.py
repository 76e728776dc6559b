"""A job's own worker processes: they share its work and never outlive it."""

import ctypes
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Annotated, Final

import msgspec

from headrace.interpreter import tune_interpreter

_PR_SET_PDEATHSIG: Final = 1

Workers = Annotated[int, msgspec.Meta(ge=1, le=256)] | None
"""How many processes a request asks for; None: `default_workers`."""


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """So many processes; when this one dies, by whatever signal, they die with it."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),))


def _begin(parent: int) -> None:
    end_with_parent(parent)
    tune_interpreter()


def default_workers() -> int:
    """As many workers as there are processors for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when its parent ends (Linux; elsewhere a pool's broken pipe ends it)."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)
