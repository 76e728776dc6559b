"""An uploaded definition: its bytes, and whether the content type says YAML or JSON."""

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from aiohttp import web

from api.problems import TooLarge, Unprocessable
from api.requests import JSON_TYPES, YAML_TYPES, require_type
from schemas.definition import Format, Kind, Parsed, parse

UPLOAD_TYPES: Final = (*JSON_TYPES, *YAML_TYPES)


@dataclass(frozen=True)
class Upload:
    """The text of a definition as it came."""

    data: bytes
    format: Format


WorkflowUpload = Annotated[Upload, "workflow"]
"""A handler's `upload` that is a workflow."""

TemplateUpload = Annotated[Upload, "template"]
"""A handler's `upload` that is a template."""


async def read_upload(request: web.Request) -> Upload:
    """The request's body as a definition.

    Raises:
        UnsupportedMediaType: it is neither YAML nor JSON by its content type.
        HTTPRequestEntityTooLarge: it is over 1 MiB.
    """
    require_type(request, UPLOAD_TYPES)
    data = await request.read()
    return Upload(data, "json" if request.content_type in JSON_TYPES else "yaml")


def readable(upload: Upload, kind: Kind) -> Parsed:
    """The definition that was uploaded; `kind` is what it is when it doesn't say.

    Raises:
        TooLarge: it is over 1 MiB.
        Unprocessable: it can't be read; the problem has the diagnostics.
    """
    parsed = parse(upload.data, format=upload.format, kind=kind)
    if parsed.too_large:
        raise TooLarge
    if parsed.unreadable:
        first = next(found for found in parsed.diagnostics if found.severity == "error")
        message = f"the definition can't be read: line {first.line}, column {first.column}: {first.message}"
        diagnostics = msgspec.to_builtins(parsed.diagnostics)
        raise Unprocessable(message, code="unreadable_definition", diagnostics=diagnostics)
    return parsed
