"""A real `headrace worker`, `projector` or `api` as a process of its own; its health port is any free one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from tests.support.kafka_broker import free_ports

SESSION_S = 3


class RoleProcess:
    """Starts and ends one process of a role, and asks it how it is."""

    def __init__(self, role: str, directory: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.role, self.directory, self.options = role, directory, options
        self.environment = {"HEADRACE_KAFKA_SESSION_TIMEOUT": str(SESSION_S), **(environment or {})}
        self._output = directory.with_name(f"{directory.name}.{role}.log")
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RoleProcess:
        (self._port,) = free_ports(1)
        port = "HEADRACE_PORT" if self.role == "api" else "HEADRACE_HEALTH_PORT"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HEADRACE_")}
        environment = inherited | {port: str(self._port), "HEADRACE_DATA_DIR": str(self.directory)} | self.environment
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace", self.role, *self.options],
                stdout=output, stderr=output, env=environment, start_new_session=True,
            )  # fmt: skip
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    @property
    def exit_code(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def ready(self) -> dict[str, Any] | None:
        """What /readyz says when it is ready."""
        assert self.exit_code is None, f"headrace {self.role} ended with {self.exit_code}:\n{self.output[-4000:]}"
        try:
            answer = requests.get(f"{self.url}/readyz", timeout=2)
        except requests.RequestException:
            return None
        return answer.json() if answer.status_code == 200 else None

    def owned(self) -> set[int]:
        """The partitions that a worker owns and works on."""
        return set((self.ready() or {"partitions": ()})["partitions"])

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    def stop(self) -> float:
        """SIGTERM; how many seconds it took. Fails when it does not end cleanly."""
        began = time.monotonic()
        self.send(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"headrace {self.role} ended with {code}:\n{self.output[-4000:]}"
        return time.monotonic() - began

    def end(self) -> None:
        """Whatever it takes, by pid; a test is over."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def said(self, pattern: str) -> bool:
        return re.search(pattern, self.output) is not None


def headrace(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HEADRACE_")}
    command = [sys.executable, "-m", "headrace", *arguments]
    return subprocess.run(command, env=inherited | environment, capture_output=True, text=True, timeout=60, check=False)
