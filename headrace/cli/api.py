"""`headrace api`: the HTTP API and the pages, on Kafka."""

import typer

from headrace.cli.options import DatabaseUrl, Host, Kafka, LogFormat, LogLevel, Port


def api(
    *,
    kafka: Kafka = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
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
