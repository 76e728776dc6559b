"""`headrace projector`: keeps the read side in line with the journal, on Kafka."""

import typer

from headrace.cli.options import DatabaseUrl, HealthPort, Host, Kafka, LogFormat, LogLevel


def projector(
    *,
    kafka: Kafka = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    health_port: HealthPort = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
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
