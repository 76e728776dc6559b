"""One process at a time owns a data directory, and others learn who it is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.data_directory import DataDirectory, DataDirectoryInUse, DataDirectoryUnusable, Owner, owner_of

OWN = """
import sys
from pathlib import Path
from streams.data_directory import DataDirectory
directory = DataDirectory.acquire(Path(sys.argv[1]), url="http://127.0.0.1:8080")
print("owned", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which owns the directory."""
    command = [sys.executable, "-c", OWN, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "owned\n"
        yield process
        process.kill()


def test_is_made_for_its_user_alone(tmp_path: Path) -> None:
    with DataDirectory.acquire(tmp_path / "a" / "b") as directory:
        assert directory.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_path_that_can_be_no_directory_is_refused_with_the_way_out(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirectoryUnusable, match="HEADRACE_DATA_DIR"):
        DataDirectory.acquire(tmp_path / path)


def test_a_second_process_is_refused_and_told_who_and_what_to_do(owner: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryInUse) as refused:
        DataDirectory.acquire(tmp_path)
    message = str(refused.value)
    assert f"process {owner.pid} at http://127.0.0.1:8080" in message
    assert "HEADRACE_DATA_DIR" in message


def test_the_same_process_can_not_own_it_twice(tmp_path: Path) -> None:
    with DataDirectory.acquire(tmp_path), pytest.raises(DataDirectoryInUse, match=f"process {os.getpid()}"):
        DataDirectory.acquire(tmp_path)


def test_a_killed_owner_leaves_no_lock(owner: subprocess.Popen[str], tmp_path: Path) -> None:
    owner.kill()
    owner.wait()
    assert owner_of(tmp_path) is None
    DataDirectory.acquire(tmp_path).release()


def test_a_released_directory_can_be_owned_again(tmp_path: Path) -> None:
    directory = DataDirectory.acquire(tmp_path)
    directory.release()
    directory.release()
    with DataDirectory.acquire(tmp_path):
        assert owner_of(tmp_path) == Owner(os.getpid())


def test_the_owner_says_where_its_api_listens(tmp_path: Path) -> None:
    with DataDirectory.acquire(tmp_path, url="http://127.0.0.1:18080/with/a/long/path") as directory:
        directory.announce("http://127.0.0.1:1")
        assert owner_of(tmp_path) == Owner(os.getpid(), "http://127.0.0.1:1")


def test_nobody_owns_a_directory_that_was_never_used(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None


def test_looking_who_owns_it_takes_it_from_nobody(owner: subprocess.Popen[str], tmp_path: Path) -> None:
    assert owner_of(tmp_path) == Owner(owner.pid, "http://127.0.0.1:8080")
    with pytest.raises(DataDirectoryInUse):
        DataDirectory.acquire(tmp_path)
