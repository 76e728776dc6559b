"""Options that several commands share; each names its environment variable."""

from typing import Annotated, Final

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
