"""How the command line has a job done: by the Headrace at --url, or with --here by a child process of its own."""

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.api_client import ApiClient, ApiProblem
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.jobs.message import Message, Report
    from headrace.settings import Settings

Here = Annotated[
    bool,
    typer.Option(
        "--here",
        envvar="HEADRACE_HERE",
        help="Work in this process, on HEADRACE_KAFKA and HEADRACE_DATABASE_URL or a data directory; else ask --url.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        envvar="HEADRACE_WORKERS",
        min=1,
        max=256,
        help="Processes that share the work.  [default: one a processor]",
    ),
]


def run_job(kind: str, body: Mapping[str, Any], *, url: str, here: bool) -> "Report":
    """Have the job done, with a progress bar on a terminal, and give its report.

    Raises:
        ApiProblem: it was refused or failed; `problem` says why.
        ApiUnreachable: nothing answers at `url`.
    """
    from headrace.jobs.message import Failure, Progress, decode

    lines = _here(kind, body) if here else ApiClient(url).stream(f"/jobs/{kind}", dict(body))
    last: Message | None = None
    with _progress_bar(kind) as show:
        for line in lines:
            last = decode(line)
            if isinstance(last, Progress):
                show(last)
    if isinstance(last, Failure):
        raise ApiProblem(last.status, {"code": last.code, "detail": last.detail, **last.extras})
    if last is None or isinstance(last, Progress):
        raise ApiProblem(500, {"code": "job_died", "detail": f"the {kind} ended without a report; its log says why"})
    return last


def _here(kind: str, body: Mapping[str, Any]) -> Iterator[bytes]:
    import asyncio

    from headrace.jobs.child import ChildJobs
    from headrace.jobs.kinds import kind_of
    from headrace.settings import load_settings

    settings = load_settings()
    with asyncio.Runner() as runner, _surroundings(settings, needs_database=kind_of(kind).needs_database) as given:
        messages = ChildJobs(given).run(kind, body)
        try:
            while (line := runner.run(_next(messages))) is not None:
                yield line
        finally:
            runner.run(messages.aclose())


async def _next(messages: AsyncIterator[bytes]) -> bytes | None:
    return await anext(messages, None)


@contextlib.contextmanager
def _surroundings(settings: "Settings", *, needs_database: bool) -> Iterator[dict[str, str]]:
    """The child's environment; an embedded database that nobody runs is run for as long as it takes."""
    from headrace.jobs.child import environment_of

    url = settings.database_url.get_secret_value() if settings.database_url else None
    if url is not None or settings.kafka is not None or not needs_database:
        yield environment_of(settings, url)
        return
    from projections.migrations import migrate
    from projections.postgres import EmbeddedPostgres
    from streams.data_directory import DataDirectory, owner_of

    if not (settings.data_dir / "log").is_dir():
        message = (
            f"expected a log in {settings.data_dir}, found none: name a data directory by HEADRACE_DATA_DIR, or Kafka and a "
            "database by HEADRACE_KAFKA and HEADRACE_DATABASE_URL"
        )
        raise UsageError(message)
    owner = owner_of(settings.data_dir)
    if owner is not None:
        message = (
            f"{settings.data_dir} is in use by process {owner.pid}: leave --here out, and name it by --url {owner.url}"
        )
        raise UsageError(message)
    postgres = EmbeddedPostgres()
    with DataDirectory.acquire(settings.data_dir):
        try:
            embedded = postgres.start(settings.data_dir / "postgres")
            migrate(embedded)
            yield environment_of(settings, embedded)
        finally:
            postgres.stop()


@contextlib.contextmanager
def _progress_bar(kind: str) -> Iterator[Callable[[Any], None]]:
    """Shows messages of progress on a terminal, with rate and time left; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(kind, total=None, rate="")

        def show(now: Any) -> None:
            rate = f"{now.per_second:,.0f} {now.unit}/s"
            bar.update(task, completed=now.done, total=now.total, rate=rate)

        yield show
