"""The definition language: workflows and templates as YAML or JSON, checked, compiled and written out again."""

from schemas.definition.compile import UnreadableDefinition, compile_workflow
from schemas.definition.diagnostics import CODES, DRAFT, UNREADABLE, WARNINGS
from schemas.definition.digest import digest
from schemas.definition.export import export
from schemas.definition.parse import Kind, Parsed, parse, parse_all, secret_warnings, template_warnings
from schemas.definition.source import Format

__all__ = [
    "CODES",
    "DRAFT",
    "UNREADABLE",
    "WARNINGS",
    "Format",
    "Kind",
    "Parsed",
    "UnreadableDefinition",
    "compile_workflow",
    "digest",
    "export",
    "parse",
    "parse_all",
    "secret_warnings",
    "template_warnings",
]
