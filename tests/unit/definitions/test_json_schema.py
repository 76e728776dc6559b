"""The published JSON Schemas are those of the models that check, and refuse what these refuse."""

import json

import jsonschema
import pytest

from schemas.definition import parse
from schemas.json_schema import FILES, contact_event_schema, rendered, template_schema, workflow_schema
from schemas.json_schema.files import FOLDER
from tests.unit.definitions.test_seeds import SEEDS

WORKFLOW = jsonschema.Draft202012Validator(workflow_schema())
TEMPLATE = jsonschema.Draft202012Validator(template_schema())
EVENT = jsonschema.Draft202012Validator(contact_event_schema())


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_published_file_is_current(name):
    """`python -m schemas.json_schema` writes it anew."""
    assert (FOLDER / name).read_text(encoding="utf-8") == rendered(name)


@pytest.mark.parametrize("name", sorted(FILES))
def test_it_is_a_json_schema(name):
    jsonschema.Draft202012Validator.check_schema(json.loads(rendered(name)))


@pytest.mark.parametrize("seed", sorted(SEEDS))
def test_the_users_examples_are_valid(seed):
    WORKFLOW.validate(parse(SEEDS[seed]).document)


@pytest.mark.parametrize(
    "step",
    [
        {"id": "a"},
        {"id": "a", "type": "send_smss"},
        {"id": "a", "type": "send_sms", "config": {"bodi": "x"}},
        {"id": "a", "type": "add_tag"},
        {"id": "a", "type": "webhook", "config": {"url": "https://example.com", "timeout": "soon"}},
        {"id": "a", "type": "delay", "config": {"duration": -1}},
        {"id": "a", "type": "condition", "config": {"field": "a", "operator": "is"}},
        {"id": "a", "type": "wait_for_event"},
        {"id": "a", "type": "wait_for_event", "config": {"event": {"type": "tag_added"}}},
        {"id": "a", "type": "wait_for_event", "config": {"event": ["x", {"type": "manual"}]}},
        {"id": "a", "type": "wait_for_event", "config": {"event": "x", "timeout": "soon"}},
        {"id": "a", "type": "wait_for_event", "config": {"event": {"type": "delivery", "config": {"step": "a"}}}},
    ],
)
def test_a_wrong_step_is_not_valid(step):
    document = {"name": "W", "trigger": {"type": "manual"}, "steps": [step]}
    assert not WORKFLOW.is_valid(document)
    assert parse(json.dumps(document).encode()).unreadable


def test_templates():
    assert TEMPLATE.is_valid({"kind": "template", "name": "t", "channel": "sms", "body": "hi"})
    assert not TEMPLATE.is_valid({"kind": "template", "name": "t", "channel": "fax", "body": "hi"})


@pytest.mark.parametrize(
    ("event", "valid"),
    [
        ({"type": "contact.tag_added", "contact_id": "c", "data": {"tag": "x"}}, True),
        ({"type": "contact.tag_added", "contact_id": "c", "data": {"tag": 5}}, False),
        ({"type": "contact.tag_added", "contact_id": "c"}, False),
        ({"type": "contact.created", "contact_id": "c"}, True),
        ({"type": "contact.created", "contact_id": "c", "data": {"contact": {"email": 5}}}, False),
        ({"type": "contact.field_updated", "contact_id": "c", "data": {"field": "tags", "value": 1}}, False),
        ({"type": "order.paid", "specversion": "1.0", "subject": "c", "data": {"total": 5}, "hops": 2}, True),
        ({"contact_id": "c"}, False),
    ],
)
def test_contact_events(event, valid):
    assert EVENT.is_valid(event) is valid
