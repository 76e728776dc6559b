"""A real Kafka broker for tests: one node (KRaft), either as a Java process from Maven's jars or as a container."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from tests.support.kafka_jars import RESOURCES, fetch_jars

START_SECONDS: Final = 60
HEAP: Final = "-Xmx512m"
IMAGE: Final = "apache/kafka:4.1.0"
DIE_WITH_THE_PARENT: Final = """\
import ctypes, os, sys
PR_SET_PDEATHSIG, SIGKILL = 1, 9
if sys.platform == "linux":  # elsewhere a killed test leaves its broker
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Broker(Protocol):
    """A broker that a test may stop and start again."""

    @property
    def bootstrap(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class JavaBroker:
    """A broker process of our own; its data and its ports outlive a restart, and it dies with the process that began it.

    `protocols` adds listeners to the plain one: a name, and what it speaks (`SASL_PLAINTEXT`, `SSL`, `SASL_SSL`).
    """

    def __init__(
        self,
        directory: Path,
        *,
        protocols: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        protocols = {"PLAINTEXT": "PLAINTEXT", **(protocols or {})}
        *ports, controller = free_ports(len(protocols) + 1)
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in zip(protocols, ports, strict=True)}
        listeners = ",".join(f"{name}://{address}" for name, address in self.addresses.items())
        self._properties = {
            **single_node_properties(),
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": ",".join(
                f"{name}:{protocol}" for name, protocol in {**protocols, "CONTROLLER": "PLAINTEXT"}.items()
            ),
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(directory / "data"),
            **(properties or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return self.addresses["PLAINTEXT"]

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker was not started"
        return self._process.pid

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "server.properties"
        config.write_text("".join(f"{name}={value}\n" for name, value in self._properties.items()))
        if not (self.directory / "data").exists():
            self._format(config)
        with (self.directory / "kafka.log").open("ab") as log:
            command = [sys.executable, "-c", DIE_WITH_THE_PARENT, *self._java("kafka.Kafka", str(config))]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut down as an operator does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _format(self, config: Path) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With `=`: an id may begin with a dash, and would be taken for an option.
        arguments = ["format", "--standalone", f"--cluster-id={cluster_id}", "-c", str(config)]
        command = self._java("kafka.tools.StorageTool", *arguments)
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=START_SECONDS)
        assert done.returncode == 0, f"the broker's directory could not be made:\n{done.stdout}{done.stderr}"

    def _java(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={RESOURCES / 'log4j2.yaml'}"
        return [
            "java",
            HEAP,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{fetch_jars()}/*",
            logging,
            *arguments,
        ]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.bootstrap):
            assert self._process is not None
            said = (self.directory / "kafka.log").read_text(errors="replace")[-3_000:]
            assert self._process.poll() is None, f"the broker ended while it started:\n{said}"
            assert time.monotonic() < deadline, f"the broker did not start within {START_SECONDS} s:\n{said}"
            time.sleep(0.05)


class DockerBroker:
    """The same in a container, on a port of this machine."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer

        (port,) = free_ports(1)
        self.bootstrap = f"127.0.0.1:{port}"
        self._container = DockerContainer(IMAGE).with_bind_ports(f"{port}/tcp", ("127.0.0.1", port))
        properties = {
            **single_node_properties(),
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": f"PLAINTEXT://:{port},CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }
        for name, value in properties.items():
            self._container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)

    def start(self) -> None:
        self._container.start()
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.bootstrap):
            assert time.monotonic() < deadline, f"the container did not start:\n{self._container.get_logs()}"
            time.sleep(0.1)

    def stop(self) -> None:
        self._container.stop()


def single_node_properties() -> dict[str, str]:
    """What makes one node enough, and quick to begin with."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.listener.names": "CONTROLLER",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
    }


def docker_answers() -> bool:
    """Whether a Docker daemon is there to start containers."""
    import docker

    try:
        return bool(docker.from_env(timeout=5).ping())
    except Exception:  # noqa: BLE001 without a daemon it fails in many ways
        return False


def answers(bootstrap: str) -> bool:
    """Whether a broker there knows its cluster."""
    host, _, port = bootstrap.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        return bool(AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


# ---------------------------------------------------------------- the keeper: one broker for several test processes


def keep(directory: Path, kind: str, watched: int) -> None:
    """Run a broker until process `watched` is gone, then leave nothing behind."""
    broker: Broker = DockerBroker() if kind == "docker" else JavaBroker(directory / "broker")
    try:
        broker.start()
        half = directory / "broker.half"
        half.write_text(json.dumps({"bootstrap": broker.bootstrap, "kind": kind, "keeper": os.getpid()}))
        half.rename(directory / "broker.json")
        wait_for_the_end_of(watched)
    finally:
        broker.stop()
        shutil.rmtree(directory, ignore_errors=True)


def wait_for_the_end_of(pid: int) -> None:
    """Sleep until the process is gone."""
    if hasattr(os, "pidfd_open"):
        import select

        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()
        return
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.5)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    keep(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
