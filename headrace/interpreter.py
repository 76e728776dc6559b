"""The interpreter's own settings, for a process with one busy event loop and a few threads that serve it."""

import gc
import sys
from typing import Final

SWITCH_INTERVAL_S: Final = 0.0005
"""How long a thread may keep the interpreter to itself. By default (5 ms) a loop that never sleeps starves the threads
that write the log and the database: a single commit then took up to 0.4 s."""

GC_THRESHOLDS: Final = (50_000, 20, 50)
"""Batches make many small objects that live until their commit; looking for cycles among them is wasted."""


def tune_interpreter() -> None:
    """Set both, once, before the work begins."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*GC_THRESHOLDS)
