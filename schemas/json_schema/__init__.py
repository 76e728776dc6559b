"""The published JSON Schemas: made from the very models and tables that check, so editors and CRMs know what we know.

`python -m schemas.json_schema` writes the files beside this one; a test holds that they are current.
"""

from schemas.json_schema.contact_event import contact_event_schema
from schemas.json_schema.definition import template_schema, workflow_schema
from schemas.json_schema.files import FILES, rendered

__all__ = ["FILES", "contact_event_schema", "rendered", "template_schema", "workflow_schema"]
