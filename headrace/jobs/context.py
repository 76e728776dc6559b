"""What a job works with: the log to read, the database, the data directory, and a way to tell how far it is."""

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headrace.jobs.message import Progress, encode_line
from headrace.log_access import open_log
from headrace.role import NeedsDatabase
from headrace.settings import Settings, topics_of
from schemas.event_log import OpenLog
from schemas.topics import Topics

_TELL_EVERY_S: Final = 0.25
SANDBOX_VARIABLE: Final = "HEADRACE_JOB_SANDBOX_URL"
"""Set by who starts a job beside a provider sandbox; not a setting."""


@dataclass(kw_only=True, slots=True)
class JobContext:
    """The surroundings of one job."""

    settings: Settings
    open_log: OpenLog = open_log
    """Opens the log to read; it can be pickled, for `workers.worker_pool`."""
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    @property
    def database_url(self) -> str:
        """The read side's database.

        Raises:
            NeedsDatabase: none is set, and none is embedded.
        """
        if self.settings.database_url is None:
            raise NeedsDatabase
        return self.settings.database_url.get_secret_value()

    @property
    def sandbox_url(self) -> str | None:
        """The provider sandbox of `headrace dev`, for whom no provider is set."""
        return os.environ.get(SANDBOX_VARIABLE)

    @property
    def data_dir(self) -> Path:
        """Where the local state of this machine lives (it may hold none)."""
        return self.settings.data_dir

    @property
    def topics(self) -> Topics:
        """The topics' names of this installation."""
        return topics_of(self.settings)

    def progress(self, done: int, total: int | None, unit: str = "events") -> None:
        """Tell how far the job is; call it as often as you like."""
        now = time.monotonic()
        if now - self._told < _TELL_EVERY_S and done != total:
            return
        self._told = now
        rate = done / max(now - self._began, 1e-6)
        sys.stdout.buffer.write(encode_line(Progress(done, total, unit, round(rate, 1))))
        sys.stdout.buffer.flush()
