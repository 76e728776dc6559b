"""The engine's clock: the machine's, or in `headrace dev` one that runs faster and never behind the journal."""

import time


class EngineClock:
    """Milliseconds since the epoch, `scale` times as fast as the machine's clock from the moment it was made."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self._origin_ms = self._started_ms = time.time() * 1000

    def __call__(self) -> int:
        """The engine's time now."""
        return int(self._origin_ms + (time.time() * 1000 - self._started_ms) * self.scale)

    def advance_to(self, at_ms: int) -> int:
        """Go on from `at_ms` if that is later than now: time in a journal never runs backwards.

        Returns by how many milliseconds the clock was behind; 0 when it was not.
        """
        behind = max(0, at_ms - self())
        self._origin_ms += behind
        return behind
