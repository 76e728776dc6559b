"""Which JSON Schemas are published, and under what name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from schemas.json_schema.contact_event import contact_event_schema
from schemas.json_schema.definition import template_schema, workflow_schema

FOLDER: Final = Path(__file__).parent

FILES: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "workflow.schema.json": workflow_schema,
    "template.schema.json": template_schema,
    "contact-event.schema.json": contact_event_schema,
}


def rendered(name: str) -> str:
    """A schema file's text, as it is to be."""
    return json.dumps(FILES[name](), indent=2, ensure_ascii=False) + "\n"
