"""The workflows that benchmarks run, as documents and as the definition events that publish them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from domain.catalogue import Catalogue, decide_definition, evolve_catalogue
from domain.definition import ImportDefinition, TemplateText
from domain.ids import deterministic_uuid
from domain.workflow import Workflow
from schemas.definition import compile_workflow, digest
from schemas.definition_event import encode_definition_event
from schemas.event_log import NewRecord
from schemas.topics import DEFINITIONS

Document = dict[str, Any]

_CONDITION = {"field": "source", "operator": "equals", "value": "facebook_ad"}
_TAG = {"id": "tag", "type": "add_tag", "config": {"tag": "welcomed"}}
_FIELD = {"id": "stage", "type": "update_field", "config": {"field": "stage", "value": "new {{first_name}}"}}
_BRANCH = {"id": "from_ad", "type": "condition", "config": _CONDITION, "branches": {"true": "end", "false": "end"}}
_SMS = {"id": "sms", "type": "send_sms", "config": {"body": "Hi {{first_name}}, thanks for your interest!"}}

THREE_STEPS: Document = {
    "name": "Three steps",
    "trigger": {"type": "contact_created"},
    "steps": [_TAG, _FIELD, _BRANCH],
}
"""Three steps that need no provider and no time."""

THREE_STEPS_WITH_SMS: Document = {**THREE_STEPS, "name": "Three steps with an SMS", "steps": [_SMS, _TAG, _BRANCH]}
"""The same with a call to a provider as its first step."""


def waiting(name: str, event: str, seconds: float) -> Document:
    """A workflow that waits once, for contacts with an event of this name."""
    delay = {"id": "wait", "type": "delay", "config": {"duration": seconds, "unit": "seconds"}}
    return {"name": name, "trigger": {"type": "event", "config": {"name": event}}, "steps": [delay]}


def never_fired(count: int) -> list[Document]:
    """Workflows of every kind of trigger, none of which fires for `page.viewed`."""
    triggers: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
        ("tag_added", lambda n: {"tag": f"tag {n}"}),
        ("field_updated", lambda n: {"field": f"field_{n}"}),
        ("event", lambda n: {"name": f"event.{n}"}),
        ("sms_received", lambda n: {"contains": f"word {n}"}),
    )
    documents = []
    for number in range(count):
        kind, config = triggers[number % len(triggers)]
        trigger = {"type": kind, "config": config(number), "conditions": [_CONDITION]}
        documents.append({**THREE_STEPS, "name": f"Workflow {number}", "trigger": trigger})
    return documents


def compiled(
    document: Document, workflow_id: str, version: int, templates: Mapping[str, TemplateText], accept: tuple[str, ...]
) -> Workflow:
    """The port `Compile`, as the engine has it."""
    return compile_workflow(document, workflow_id=workflow_id, version=version, templates=templates, accept=accept)


def published(documents: Iterable[Document], at_ms: int) -> Iterator[NewRecord]:
    """What the catalogue's owner writes when the documents are imported and published."""
    catalogue = Catalogue()
    for document in documents:
        command = ImportDefinition(
            command_id=f"publish {document['name']}",
            workflow_id=deterministic_uuid("bench", document["name"]),
            name=document["name"],
            document=document,
            source="",
            format="yaml",
            digest=digest(document),
            create=True,
            publish=True,
        )
        for event in decide_definition(catalogue, command, at_ms, compiled):
            catalogue = evolve_catalogue(catalogue, event, compiled)
            key, value = event.workflow_id.encode(), encode_definition_event(event)
            yield NewRecord(topic=DEFINITIONS, partition=0, key=key, value=value)
