"""`headrace worker`: the engine alone, on Kafka."""

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.options import HealthPort, Host, Kafka, LogFormat, LogLevel


def worker(
    *,
    kafka: Kafka = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            envvar="HEADRACE_DATA_DIR",
            help="Where the local state lives; one directory a worker.  [default: .headrace]",
        ),
    ] = None,
    host: Host = None,
    health_port: HealthPort = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
) -> None:
    """Run the engine alone, on Kafka: it takes its share of the partitions, decides, and calls the providers.

    Start as many as you like, each with a data directory of its own; a new one gets its share when it has folded the
    journals of it, and is ready then. SIGTERM or Ctrl-C hands its partitions over at
    once; calls in flight may finish, unless a second Ctrl-C ends it. A worker that fails exits with 1: let its supervisor start it again.
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
