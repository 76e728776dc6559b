"""`headrace schema`: the JSON Schemas of definitions and contact events, with the step kinds of installed plug-ins."""

from enum import StrEnum
from typing import Annotated

import typer

from headrace.cli.output import print_json


class Document(StrEnum):
    """What there is a schema of."""

    workflow = "workflow"
    template = "template"
    contact_event = "contact-event"


def schema(
    document: Annotated[
        Document, typer.Argument(metavar="DOCUMENT", help="workflow, template or contact-event.")
    ] = Document.workflow,
) -> None:
    """Print the JSON Schema of a kind of document, for editors and other programs.

    A workflow's schema knows the step kinds of the plug-ins that are installed here, with the config that they declare.
    """
    from headrace.plug_ins import load_plug_ins
    from schemas.definition.steps.plug_in import KINDS
    from schemas.json_schema import contact_event_schema, template_schema, workflow_schema

    load_plug_ins()
    made = {
        Document.workflow: lambda: workflow_schema(KINDS),
        Document.template: template_schema,
        Document.contact_event: contact_event_schema,
    }[document]()
    print_json(made)
