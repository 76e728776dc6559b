"""The embedded Postgres: made once, found again, and never lost to a kill."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from projections.errors import EmbeddedPostgresError
from projections.postgres import EmbeddedPostgres
from projections.postgres.postmaster import Postmaster, read_postmaster

DEADLINE_SECONDS = 60


@pytest.fixture
def servers() -> Iterator[list[EmbeddedPostgres]]:
    """Servers that a test made, all stopped after it."""
    made: list[EmbeddedPostgres] = []
    yield made
    for one in made:
        one.stop()


def start(servers: list[EmbeddedPostgres], directory: Path, port: int | None = None) -> str:
    servers.append(EmbeddedPostgres())
    return servers[-1].start(directory, port)


def answer(url: str, query: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def keep_something(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'something' AS it")


def postmaster(directory: Path) -> Postmaster:
    found = read_postmaster(directory.resolve() / "data")
    assert found is not None
    return found


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while Postmaster(pid, 0, Path()).alive:
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def test_it_starts_and_starts_again_with_what_was_kept(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    keep_something(start(servers, directory))
    servers[0].stop()
    assert read_postmaster(directory / "data") is None
    assert answer(start(servers, directory), "SELECT it FROM kept") == "something"


def test_a_second_start_of_the_same_server_gives_the_same_url(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    url = start(servers, tmp_path / "pg")
    assert servers[0].start(tmp_path / "pg") == url
    servers[0].stop()
    servers[0].stop()


def test_only_its_owner_can_reach_it(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    url = start(servers, directory)
    assert answer(url, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_with_a_port_it_listens_on_loopback_and_asks_for_the_password(
    servers: list[EmbeddedPostgres], tmp_path: Path
) -> None:
    directory = tmp_path / "pg"
    assert answer(start(servers, directory, port=0), "SHOW listen_addresses") == "127.0.0.1"
    port = postmaster(directory).port
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres")
    password = (directory / "password").read_text().strip()
    assert answer(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", "SELECT 1") == "1"


def test_a_read_side_is_sound_on_disk_and_does_not_wait_for_it(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    url = start(servers, tmp_path / "pg")
    assert [answer(url, f"SHOW {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")] == [
        "on",
        "on",
        "off",
    ]


def test_a_directory_in_use_is_refused(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    url = start(servers, tmp_path / "pg")
    with pytest.raises(EmbeddedPostgresError, match="in use by another process"):
        EmbeddedPostgres().start(tmp_path / "pg")
    assert answer(url, "SELECT 1") == "1"


@pytest.mark.parametrize("name", ["d" * 120, "with space, comma 'and' quote"], ids=["too long", "odd"])
def test_a_path_that_no_socket_can_have_is_fine(servers: list[EmbeddedPostgres], tmp_path: Path, name: str) -> None:
    directory = tmp_path / name / "pg"
    assert answer(start(servers, directory), "SELECT 1") == "1"
    sockets = postmaster(directory).socket_directory
    assert sockets != directory.resolve()
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    servers[0].stop()
    assert not sockets.exists()


_OWNER = """
import sys, time
from pathlib import Path
from projections.postgres import EmbeddedPostgres
print("URL " + EmbeddedPostgres().start(Path(sys.argv[1])), flush=True)
time.sleep(600)
"""


def _killed_owner(directory: Path) -> None:
    """Another process starts the server, and is killed."""
    root = Path(__file__).parents[3]
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(directory)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert owner.stdout is not None
    assert any(line.startswith("URL ") for line in iter(owner.stdout.readline, ""))
    owner.kill()
    owner.wait()
    owner.stdout.close()


def test_a_server_whose_owner_was_killed_is_adopted(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    _killed_owner(directory)
    orphan = postmaster(directory)
    assert orphan.alive
    assert answer(start(servers, directory), "SELECT 1") == "1"
    assert postmaster(directory).pid == orphan.pid
    servers[0].stop()
    until_gone(orphan.pid)


def test_a_server_that_was_killed_itself_comes_back(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    keep_something(start(servers, directory))
    with psycopg.connect(postmaster(directory).url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    killed = postmaster(directory).pid
    os.kill(killed, signal.SIGKILL)
    until_gone(killed)
    servers[0].stop()
    assert answer(start(servers, directory), "SELECT it FROM kept") == "something"


def test_a_pid_file_that_names_a_stranger_is_put_away(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    start(servers, directory)
    lines = (directory / "data" / "postmaster.pid").read_text().splitlines()
    servers[0].stop()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        (directory / "data" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert answer(start(servers, directory), "SELECT 1") == "1"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_half_made_cluster_is_made_anew(servers: list[EmbeddedPostgres], tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    (directory / "data.new" / "base").mkdir(parents=True)
    (directory / "data.new" / "PG_VERSION").write_text("18\n")
    assert answer(start(servers, directory), "SELECT 1") == "1"


def test_a_server_that_can_not_start_says_why(tmp_path: Path) -> None:
    directory = tmp_path / "pg"
    owner = EmbeddedPostgres()
    owner.start(directory)
    owner.stop()
    with (directory / "data" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        owner.start(directory)
