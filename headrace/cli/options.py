"""Options that several commands share; each names its environment variable."""

from typing import Annotated, Final, Literal

import typer

from headrace.api_client import DEFAULT_URL

URL: Final = DEFAULT_URL

Url = Annotated[
    str,
    typer.Option("--url", envvar="HEADRACE_URL", metavar="URL", help="Where Headrace listens.", rich_help_panel=None),
]
Json = Annotated[bool, typer.Option("--json", envvar="HEADRACE_JSON", help="Print JSON, and nothing else.")]
Limit = Annotated[int, typer.Option("--limit", envvar="HEADRACE_LIMIT", min=1, help="Show so many at most.")]
WorkflowArgument = Annotated[
    str, typer.Argument(metavar="WORKFLOW", help="A workflow's id, or its name if only one has it.")
]

# ---------------------------------------------------------------- of the commands that run a server; unset: the setting
Host = Annotated[
    str | None, typer.Option("--host", envvar="HEADRACE_HOST", help="Address to listen on.  [default: 127.0.0.1]")
]
Port = Annotated[
    int | None,
    typer.Option("--port", envvar="HEADRACE_PORT", help="Port of the API and console.  [default: 8080]"),
]
HealthPort = Annotated[
    int | None,
    typer.Option("--health-port", envvar="HEADRACE_HEALTH_PORT", help="Port of /healthz and /readyz.  [default: 8081]"),
]
Kafka = Annotated[str | None, typer.Option("--kafka", envvar="HEADRACE_KAFKA", help="Kafka's bootstrap servers.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", envvar="HEADRACE_DATABASE_URL", help="The read side's Postgres."),
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    typer.Option("--log-level", envvar="HEADRACE_LOG_LEVEL", help="What is logged.  [default: info]"),
]
LogFormat = Annotated[
    Literal["console", "json"] | None,
    typer.Option("--log-format", envvar="HEADRACE_LOG_FORMAT", help="How logs look.  [default: console]"),
]
