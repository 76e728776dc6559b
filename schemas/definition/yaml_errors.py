"""The YAML parser's complaints, said so that someone who writes e-mails can mend them."""

import re
from typing import Any, Final

import yaml

from domain.definition import Diagnostic
from schemas.definition.diagnostics import finding
from schemas.definition.positions import START, Position

_BRACES = re.compile(r"^[^#\"']*?(?::|-|,|\[)\s+\{[{%]")
"""A value that begins with Liquid's braces and is not in quotes."""

_INDENT: Final = "check that this line is indented like its neighbours, and that text with ': ' or ' #' is in quotes"

_EXPLAINED: Final = (
    ("mapping values are not allowed", "a ':' is not expected here", _INDENT),
    ("could not find expected ':'", "a key without its ':'", "write `key: value`; " + _INDENT),
    ("did not find expected key", "the line does not fit the mapping above it", _INDENT),
    ("did not find expected '-' indicator", "the line does not fit the list above it", "begin a list's items with '- '; " + _INDENT),
    ("did not find expected ',' or ']'", "a list that begins with '[' is not closed", "close it with ']'"),
    ("did not find expected ',' or '}'", "a mapping that begins with '{' is not closed", "close it with '}'"),
    ("found unexpected end of stream", "a quote is opened and never closed", "close it"),
    ("found unexpected document indicator", "a quote is opened and never closed", "close it"),
    ("found unknown escape character", "a backslash in double quotes that means nothing", "write \\\\ for a backslash, or use single quotes"),
    ("did not find expected hexdecimal number", "an escape such as \\x or \\u without its digits", "write \\\\ for a backslash, or use single quotes"),
    ("did not find expected hexadecimal number", "an escape such as \\x or \\u without its digits", "write \\\\ for a backslash, or use single quotes"),
    ("block sequence entries are not allowed", "a '- ' is not expected here", _INDENT),
    ("cannot start any token", "text can't begin with this character", "put the text in quotes"),
)  # fmt: skip


def explain(error: yaml.YAMLError, text: str) -> Diagnostic:
    """The diagnostic for an error of libyaml or PyYAML."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    at = START if mark is None else Position(mark.line + 1, mark.column + 1)
    lines = text.split("\n")
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    if _is_tab(line, at, error):
        message = "expected spaces before this line's text, found a tab"
        return finding(
            "tab_indentation", (), at, message, "YAML is indented with spaces: replace the tab by two spaces"
        )
    problem = str(getattr(error, "problem", None) or error)
    begun = _begun(error, at)
    if _BRACES.search(line):
        hint = 'put text that begins with {{ or {% in quotes, as "{{first_name}}"'
        return finding("yaml_syntax", (), at, f"YAML takes {{ for a mapping{begun}", hint)
    for words, meaning, hint in _EXPLAINED:
        if words in problem:
            return finding("yaml_syntax", (), at, f"{meaning}{begun}", hint)
    return finding("yaml_syntax", (), at, f"YAML can't be read here: {problem}{begun}", _INDENT)


def _is_tab(line: str, at: Position, error: Any) -> bool:
    here = line[at.column - 1 : at.column]
    return here == "\t" or "\t" in line[: len(line) - len(line.lstrip())] or "tab character" in str(error)


def _begun(error: Any, at: Position) -> str:
    """Where the thing began that the error is about, when that is another line."""
    mark = getattr(error, "context_mark", None)
    return f" (it began in line {mark.line + 1})" if mark is not None and mark.line + 1 != at.line else ""
