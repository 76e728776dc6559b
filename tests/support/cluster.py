"""Headrace on a real Kafka, as operators run it: each role a process, which a test may kill, stop, freeze and start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from headrace.sandbox.keys import DEFAULT_TOKEN, SandboxKeys
from tests.support.client import HeadraceClient, eventually
from tests.support.kafka_broker import free_ports

START_S = 60.0


class Role:
    """One process: `headrace worker`, `headrace projector` or `headrace api`. Ended by its pid, and by nobody else's."""

    def __init__(
        self, name: str, arguments: list[str], environment: dict[str, str], directory: Path, ready: str
    ) -> None:
        self.name, self._arguments, self._environment = name, arguments, environment
        self._output = directory / f"{name}.log"
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> Role:
        self.starts += 1
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HEADRACE_")}
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace", *self._arguments],
                stdout=output,
                stderr=output,
                env=inherited | self._environment,
                start_new_session=True,
            )
        return self

    def wait_until_ready(self) -> Role:
        def ready() -> bool:
            assert self.alive, f"{self.name} ended: {self.output[-3000:]}"
            return self.is_ready()

        eventually(ready, f"{self.name} to be ready", seconds=START_S)
        return self

    def is_ready(self) -> bool:
        """Whether it says so itself."""
        try:
            return requests.get(self._ready, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def signal(self, number: int) -> None:
        assert self._process is not None
        if self.alive:
            self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=30)

    def stop(self) -> float:
        """SIGTERM; gives the seconds that it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        assert self._process is not None
        self._process.wait(timeout=60)
        return time.monotonic() - began


class Sandbox:
    """The providers: a process that outlives every fault."""

    def __init__(self, directory: Path, public_url: str | None = None) -> None:
        command = [sys.executable, "-m", "headrace.sandbox", "--port", "0", "--journal", str(directory / "inbox.jsonl")]
        command += ["--public-url", public_url] if public_url else []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = re.search(r"http://\S+", self._process.stdout.readline()).group(0)  # type: ignore[union-attr]

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


class Cluster(HeadraceClient):
    """Workers, a projector and an API on one broker and one database; with `callbacks` the sandbox tells the API of each message."""

    def __init__(
        self,
        directory: Path,
        bootstrap: str,
        database_url: str,
        *,
        partitions: int = 8,
        workers: int = 2,
        callbacks: bool = False,
    ) -> None:
        self.directory, self.bootstrap, self.database_url = directory, bootstrap, database_url
        directory.mkdir(parents=True, exist_ok=True)
        (port, health) = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.providers = Sandbox(directory, self.url if callbacks else None)
        self.sandbox = self.providers.url
        self.environment = {
            "HEADRACE_KAFKA": bootstrap,
            "HEADRACE_DATABASE_URL": database_url,
            "HEADRACE_KAFKA_PARTITIONS": str(partitions),
            "HEADRACE_KAFKA_SESSION_TIMEOUT": "6",
            "HEADRACE_LOG_LEVEL": "warning",
            "HEADRACE_ASK_AFTER": "0.2,1",
            "HEADRACE_ANSWER_WITHIN": "10",
            "HEADRACE_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
            "HEADRACE_TWILIO_AUTH_TOKEN": "token",
            "HEADRACE_TWILIO_FROM": "+15005550006",
            "HEADRACE_TWILIO_BASE_URL": self.sandbox,
            "HEADRACE_SENDGRID_API_KEY": "key",
            "HEADRACE_SENDGRID_FROM": "chaos@example.com",
            "HEADRACE_SENDGRID_BASE_URL": self.sandbox,
        }
        if callbacks:
            keys = SandboxKeys(DEFAULT_TOKEN)
            self.environment |= {
                "HEADRACE_PUBLIC_URL": self.url,
                "HEADRACE_TWILIO_AUTH_TOKEN": keys.auth_token,
                "HEADRACE_SENDGRID_WEBHOOK_KEY": keys.sendgrid_public_key,
            }
        self.workers = [self.worker(number) for number in range(workers)]
        self.projector = self._role("projector", ["projector"], {"HEADRACE_HEALTH_PORT": str(health)}, health)
        self.api = self._role("api", ["api", "--port", str(port)], {}, port)

    def _role(self, name: str, arguments: list[str], environment: dict[str, str], port: int) -> Role:
        return Role(name, arguments, self.environment | environment, self.directory, f"http://127.0.0.1:{port}/readyz")

    def worker(self, number: int) -> Role:
        (health,) = free_ports(1)
        environment = {
            "HEADRACE_DATA_DIR": str(self.directory / f"worker-{number}"),
            "HEADRACE_HEALTH_PORT": str(health),
        }
        return self._role(f"worker-{number}", ["worker"], environment, health)

    @property
    def roles(self) -> list[Role]:
        return [*self.workers, self.projector, self.api]

    def create_topics(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HEADRACE_")}
        subprocess.run(
            [sys.executable, "-m", "headrace", "topics", "create"],
            env=environment | self.environment | {"HEADRACE_KAFKA_REPLICATION_FACTOR": "1"},
            check=True,
            timeout=60,
            capture_output=True,
        )

    def start(self) -> Cluster:
        for role in self.roles:
            role.start()
        for role in self.roles:
            role.wait_until_ready()
        return self

    def end(self) -> None:
        for role in self.roles:
            role.signal(signal.SIGCONT)
            role.kill()
        self.providers.end()
