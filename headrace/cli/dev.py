"""`headrace dev`: everything in one command."""

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.options import Host, LogFormat, LogLevel, Port


def dev(
    *,
    host: Host = None,
    port: Port = None,
    providers_port: Annotated[
        int | None,
        typer.Option(
            "--providers-port", envvar="HEADRACE_PROVIDERS_PORT", help="Port of the sandbox.  [default: 8090]"
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", envvar="HEADRACE_DATA_DIR", help="Where all data lives.  [default: .headrace]"),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", envvar="HEADRACE_DATABASE_URL", help="Postgres to use, not the embedded one."),
    ] = None,
    time_scale: Annotated[
        float | None,
        typer.Option(
            "--time-scale",
            envvar="HEADRACE_TIME_SCALE",
            help="Engine time runs so many times faster: with 86400 a day takes a second.  [default: 1]",
        ),
    ] = None,
    fsync: Annotated[
        bool | None,
        typer.Option(
            "--fsync/--no-fsync",
            envvar="HEADRACE_FSYNC",
            help="Whether commits reach the disk before they count.  [default: fsync]",
        ),
    ] = None,
    from_start_fires: Annotated[
        bool | None,
        typer.Option(
            "--from-start-fires",
            envvar="HEADRACE_FROM_START_FIRES",
            help="On the very first start, contact events older than the start fire triggers too.",
        ),
    ] = None,
    partitions: Annotated[
        int | None,
        typer.Option(
            "--partitions", envvar="HEADRACE_PARTITIONS", help="Of the log; chosen on the first start.  [default: 4]"
        ),
    ] = None,
    fresh: Annotated[
        bool | None,
        typer.Option("--fresh", envvar="HEADRACE_FRESH", help="Begin anew: what the data directory held is deleted."),
    ] = None,
    sample: Annotated[
        bool | None,
        typer.Option(
            "--sample/--no-sample",
            envvar="HEADRACE_SAMPLE",
            help="Whether the first start publishes a sample workflow.  [default: sample]",
        ),
    ] = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
) -> None:
    """Start everything on this machine: log, database, engine, API, console and the provider sandbox.

    Ctrl-C stops it; the next start goes on where it stopped. What else can be set is in docs/settings.md.
    """
    from headrace.dev import run_dev
    from headrace.dev_options import DevOptions
    from headrace.ports import ensure_free
    from headrace.secrets import load_secrets
    from headrace.settings import load_settings

    options = load_settings(
        DevOptions,
        host=host,
        port=port,
        providers_port=providers_port,
        data_dir=data_dir,
        database_url=database_url,
        time_scale=time_scale,
        fsync=fsync,
        from_start_fires=from_start_fires,
        partitions=partitions,
        fresh=fresh,
        sample=sample,
        log_level=log_level,
        log_format=log_format,
    )
    load_secrets(options)  # what is wrong with them is said before anything starts
    ensure_free(options.host, options.port, option="--port", variable="HEADRACE_PORT")
    ensure_free(options.host, options.providers_port, option="--providers-port", variable="HEADRACE_PROVIDERS_PORT")
    raise typer.Exit(run_dev(options))
