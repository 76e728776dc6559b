"""Compiling a definition's document for the catalogue."""

from collections.abc import Mapping
from typing import Any

from domain.definition import TemplateText
from domain.workflow import Workflow
from schemas.definition import compile_workflow


def compile_document(
    document: dict[str, Any],
    workflow_id: str,
    version: int,
    templates: Mapping[str, TemplateText],
    accept: tuple[str, ...],
) -> Workflow:
    """A workflow of a definition's document, for the catalogue."""
    return compile_workflow(document, workflow_id=workflow_id, version=version, templates=templates, accept=accept)
