"""`headrace api`: the HTTP API and the pages, on Kafka."""

from typing import Annotated, Literal

import typer

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["console", "json"]


def api(
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
    port: Annotated[
        int | None,
        typer.Option("--port", envvar="HEADRACE_PORT", help="Port of the API and console.  [default: 8080]"),
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
    """Run the HTTP API and the console alone, on Kafka and the read side's Postgres.

    SIGTERM or Ctrl-C stops it.
    """
    from headrace.api_role import run_api
    from headrace.ports import ensure_free
    from headrace.settings import load_settings

    settings = load_settings(
        kafka=kafka,
        database_url=database_url,
        host=host,
        port=port,
        log_level=log_level,
        log_format=log_format,
    )
    ensure_free(settings.host, settings.port, option="--port", variable="HEADRACE_PORT")
    raise typer.Exit(run_api(settings))
