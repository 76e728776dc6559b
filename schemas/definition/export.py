"""A document as a file: YAML or JSON that reads back as the same, keeps its order, and diffs cleanly."""

import json
import re
from typing import Any, Final

import yaml

from schemas.definition.source import Format

_NO_FOLDING: Final = 1 << 30
_LINE_END = re.compile("[\n\r\x85\u2028\u2029]")
_BLOCK_TEXT = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x08\x0b-\x1f\x85\u2028\u2029]*[^\s])?\n?")
"""Text of several lines that a literal block (`|`) can hold as it is."""


class _Dumper(yaml.SafeDumper):
    """Quotes all text that some reader of YAML, ours or another, could take for something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _LINE_END.search(text):
        style = "|" if _BLOCK_TEXT.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _mapping(dumper: yaml.SafeDumper, mapping: dict[str, Any]) -> yaml.MappingNode:
    """In the given order; the keys `true` and `false` plain, as people write the branches of a condition."""
    keys = {"true": True, "false": False}
    return dumper.represent_mapping(
        "tag:yaml.org,2002:map", [(keys.get(key, key), value) for key, value in mapping.items()]
    )


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_implicit_resolver(  # numbers of YAML 1.2 and JSON that YAML 1.1, PyYAML's own, does not know: 1e5
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"), list("-+.0123456789")
)


def export(document: dict[str, Any], format: Format) -> str:
    """The document as YAML (block style) or JSON (2 spaces), with a line end at its end."""
    if format == "json":
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return yaml.dump(
        document,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=_NO_FOLDING,
    )
