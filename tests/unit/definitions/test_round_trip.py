"""Export and import: what was written out reads back as the same, in both formats."""

import json

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.definition import compile_workflow, digest, export, parse
from schemas.json_schema import workflow_schema
from tests.unit.definitions.strategies import TRICKY, documents, workflows

FORMATS = st.sampled_from(["yaml", "json"])
SCHEMA = jsonschema.Draft202012Validator(workflow_schema())


@given(documents, FORMATS)
@settings(max_examples=300, deadline=None)
def test_any_document_reads_back_as_it_was_exported(document, format):
    parsed = parse(export(document, format).encode(), format=format)
    assert digest(parsed.document) == digest(document)
    assert list(parsed.document) == list(document)


@given(workflows(), FORMATS)
@settings(max_examples=150, deadline=None)
def test_a_definition_means_the_same_after_export_and_import(document, format):
    first = parse(json.dumps(document).encode(), format="json")
    assert not first.has_errors, first.diagnostics
    again = parse(export(first.document, format).encode(), format=format)
    assert again.digest == first.digest
    assert sorted(map(said, again.diagnostics)) == sorted(map(said, first.diagnostics))
    assert compiled(again.document) == compiled(first.document)


@given(workflows(), FORMATS)
@settings(max_examples=50, deadline=None)
def test_exporting_twice_changes_nothing(document, format):
    once = export(document, format)
    assert export(parse(once.encode(), format=format).document, format) == once


@given(workflows())
@settings(max_examples=100, deadline=None)
def test_the_published_schema_takes_every_definition_that_the_parser_takes(document):
    SCHEMA.validate(document)


@given(documents)
@settings(max_examples=100, deadline=None)
def test_other_readers_of_yaml_read_an_export_as_we_do(document):
    """PyYAML's own resolver is YAML 1.1: its words for booleans, its octals and its dates are quoted for it."""
    foreign = yaml.safe_load(export(document, "yaml"))
    assert keyed_by_text(foreign) == document


@pytest.mark.parametrize("text", TRICKY)
def test_text_that_could_be_taken_for_something_else_stays_text(text):
    document = {"a": text, text: ["a", text]}
    assert parse(export(document, "yaml").encode(), format="yaml").document == document


def test_a_text_of_several_lines_is_exported_as_a_block_that_diffs_line_by_line():
    assert export({"body": "Hi {{first_name}},\n\nbye\n"}, "yaml") == "body: |\n  Hi {{first_name}},\n\n  bye\n"


def test_a_long_text_stays_in_one_line():
    text = "word " * 100 + "end"
    assert export({"body": text}, "yaml") == f"body: {text}\n"


def said(finding):
    return (finding.code, finding.path, finding.message)


def compiled(document):
    return compile_workflow(document, workflow_id="w", version=1, templates={})


def keyed_by_text(value):
    """Plain `true:` and `false:` are what people write for branches; YAML 1.1 takes them for booleans."""
    if isinstance(value, dict):
        return {{True: "true", False: "false"}.get(key, key): keyed_by_text(item) for key, item in value.items()}
    return [keyed_by_text(item) for item in value] if isinstance(value, list) else value
