"""The examples are what their page says: short, complete, and listed."""

import ast
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
SERVICE = (EXAMPLES / "upstream_service.py").read_text(encoding="utf-8")


def test_the_upstream_service_is_twenty_lines_of_plain_confluent_kafka():
    tree = ast.parse(SERVICE)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    statements = [node for node in tree.body[1:] if node not in imports]
    lines = {line for node in statements for line in range(node.lineno, node.end_lineno + 1)}
    code = [line for line in lines if not SERVICE.splitlines()[line - 1].lstrip().startswith("#")]
    assert len(code) <= 20
    modules = {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert modules == {"datetime", "confluent_kafka"}, "nothing of ours"


def test_it_puts_contacts_where_the_engine_looks_for_them():
    assert '"partitioner": "murmur2_random"' in SERVICE
    assert "key=contact_id" in SERVICE


def test_every_example_is_on_the_page():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    examples = [path.name for path in EXAMPLES.iterdir() if path.is_file() and path.name != "README.md"]
    assert [name for name in examples if f"({name})" not in page] == []
