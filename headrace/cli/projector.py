"""`headrace projector`: keeps the read side in line with the journal, on Kafka."""

from typing import Annotated, Literal

import typer

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["console", "json"]


def projector(
    *,
    kafka: Annotated[
        str | None, typer.Option("--kafka", envvar="HEADRACE_KAFKA", help="Kafka's bootstrap servers.")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", envvar="HEADRACE_DATABASE_URL", help="The read side's Postgres."),
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
    """Run the projector alone, on Kafka: it brings the read side's Postgres up to date with the journal.

    SIGTERM or Ctrl-C stops it. A second one takes over when the first is gone, and does no harm before.
    """
    from headrace.ports import ensure_free
    from headrace.projector_role import run_projector
    from headrace.settings import load_settings

    settings = load_settings(
        kafka=kafka,
        database_url=database_url,
        host=host,
        health_port=health_port,
        log_level=log_level,
        log_format=log_format,
    )
    ensure_free(settings.host, settings.health_port, option="--health-port", variable="HEADRACE_HEALTH_PORT")
    raise typer.Exit(run_projector(settings))
