"""The clock as a value that is handed in: the domain itself never asks what time it is."""

from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the engine's time in milliseconds since the epoch. `--time-scale` injects a faster one."""
