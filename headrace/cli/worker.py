"""`headrace worker`: the engine alone, on Kafka."""

from pathlib import Path
from typing import Annotated, Literal

import typer

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["console", "json"]


def worker(
    *,
    kafka: Annotated[
        str | None, typer.Option("--kafka", envvar="HEADRACE_KAFKA", help="Kafka's bootstrap servers.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            envvar="HEADRACE_DATA_DIR",
            help="Where the local state lives; one directory a worker.  [default: .headrace]",
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", envvar="HEADRACE_HOST", help="Address to listen on.  [default: 127.0.0.1]")
    ] = None,
    health_port: Annotated[
        int | None,
        typer.Option(
            "--health-port", envvar="HEADRACE_HEALTH_PORT", help="Port of /healthz and /readyz.  [default: 8081]"
        ),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option("--log-level", envvar="HEADRACE_LOG_LEVEL", help="What is logged.  [default: info]"),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option("--log-format", envvar="HEADRACE_LOG_FORMAT", help="How logs look.  [default: console]"),
    ] = None,
) -> None:
    """Run the engine alone, on Kafka: it takes its share of the partitions, decides, and calls the providers.

    Start as many as you like, each with a data directory of its own. SIGTERM or Ctrl-C hands its partitions over at
    once; calls in flight may finish. A worker that fails exits with 1: let its supervisor start it again.
    """
    from headrace.ports import ensure_free
    from headrace.settings import load_settings
    from headrace.worker_role import run_worker

    settings = load_settings(
        kafka=kafka,
        data_dir=data_dir,
        host=host,
        health_port=health_port,
        log_level=log_level,
        log_format=log_format,
    )
    ensure_free(settings.host, settings.health_port, option="--health-port", variable="HEADRACE_HEALTH_PORT")
    raise typer.Exit(run_worker(settings))
