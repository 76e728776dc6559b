"""A real `headrace dev`, as a process of its own on free ports, and a client for its API and its sandbox."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.client import HeadraceClient, eventually

__all__ = ["DevProcess", "eventually"]

START_S = 60.0


class DevProcess(HeadraceClient):
    """Starts, kills and restarts `headrace dev` on one data directory."""

    def __init__(self, directory: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.directory, self.options = directory, options
        self.environment = environment or {}
        self.url = self.sandbox = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._output = directory.with_name(directory.name + ".log")
        self.starts = 0

    def start(self) -> DevProcess:
        self.starts += 1
        ports = ["--port", "0", "--providers-port", "0"]
        command = [sys.executable, "-m", "headrace", "dev", "--data-dir", str(self.directory), *ports, *self.options]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HEADRACE_")}
        mark = self._output.stat().st_size if self._output.exists() else 0
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, env=environment | self.environment, start_new_session=True
            )
        text = self._wait_for(mark, "Headrace is up")
        self.url = re.search(r"console and API\s+(\S+)", text).group(1)
        self.sandbox = re.search(r"provider sandbox\s+(\S+)", text).group(1)
        return self

    def _wait_for(self, mark: int, words: str) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            text = self._output.read_bytes()[mark:].decode(errors="replace")
            if words in text and "Ctrl-C" in text:
                return text
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(f"headrace dev ended with {self._process.returncode}:\n{text}")
            time.sleep(0.02)
        raise AssertionError(f"headrace dev did not start:\n{text}")

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9: no chance to say goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C; gives the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"headrace dev did not stop:\n{self.output[-4000:]}") from None

    def end(self) -> None:
        """Whatever it takes, by pid; a test is over. An embedded Postgres that a kill left behind ends too."""
        if self._process is not None and self._process.poll() is None:
            self.stop()
        pidfile = next(self.directory.glob("postgres/**/postmaster.pid"), None)
        if pidfile is not None:
            pid = int(pidfile.read_text().split("\n")[0])
            os.kill(pid, signal.SIGINT)
            eventually(lambda: not Path(f"/proc/{pid}").exists(), "Postgres to end")
