"""The jars of a real Apache Kafka, fetched once by Maven and shared by all test processes.

`python -m tests.support.kafka_jars` fetches them ahead of the tests, for machines where the first download is slow.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESOURCES = Path(__file__).parents[1] / "kafka"
POM = RESOURCES / "pom.xml"
FETCH_SECONDS = 600


def kafka_version() -> str:
    found = re.search(r"<kafka\.version>([^<]+)<", POM.read_text(encoding="utf-8"))
    assert found is not None, f"{POM} names no kafka.version"
    return found[1]


def jars_directory() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "headrace-test" / f"kafka-{kafka_version()}"


def what_is_missing() -> str | None:
    """Why no broker can be run from jars here; None when one can."""
    if shutil.which("java") is None:
        return "there is no Java 17 or newer (`java`)"
    if not _present(jars_directory()) and shutil.which("mvn") is None:
        return f"there is no Maven (`mvn`) to fetch Kafka's jars into {jars_directory()}"
    return None


def fetch_jars() -> Path:
    """The directory with the jars; the first process to ask fetches them, the others wait for it."""
    directory = jars_directory()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with locked(directory.with_suffix(".lock")):
        if not _present(directory):
            half = directory.with_suffix(f".{os.getpid()}")
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={half}"]
            done = subprocess.run(
                ["mvn", "-q", "-B", "-f", str(POM), *goal],
                check=False,
                capture_output=True,
                text=True,
                timeout=FETCH_SECONDS,
            )
            assert done.returncode == 0, f"Maven could not fetch Kafka's jars:\n{done.stdout[-3_000:]}{done.stderr}"
            shutil.rmtree(directory, ignore_errors=True)
            half.rename(directory)
    return directory


def _present(directory: Path) -> bool:
    return any(directory.glob("kafka_2.13-*.jar")) and any(directory.glob("log4j-core-*.jar"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time is in here; a process that dies lets go."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.stdout.write(f"{fetch_jars()}\n")
