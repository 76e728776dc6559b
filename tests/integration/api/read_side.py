"""Rows of the read side, as the projector would have written them."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
WORKFLOW = UUID("0a000000-0000-4000-8000-000000000001")
ENROLLMENT = UUID("0b000000-0000-4000-8000-000000000001")
DOCUMENT = {
    "name": "Welcome",
    "trigger": {"type": "contact_created"},
    "steps": [
        {"id": "greet", "type": "send_sms", "config": {"body": "Hi {{first_name}}"}},
        {"id": "wait", "type": "delay", "config": {"duration": 1, "unit": "days"}},
        {"id": "tag", "type": "add_tag", "config": {"tag": "welcomed"}},
    ],
}


def later(**span) -> datetime:
    """So much after the start of the story."""
    return START + timedelta(**span)


class ReadSide:
    """Fills the tables; each method takes what the test cares for and makes up the rest."""

    def __init__(self, url):
        self.url = url

    async def __aenter__(self):
        self._connection = await psycopg.AsyncConnection.connect(self.url, autocommit=True)
        return self

    async def __aexit__(self, *_error):
        await self._connection.close()

    async def insert(self, table, **row):
        values = {key: _adapted(value) for key, value in row.items()}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        )
        await self._connection.execute(statement, values)
        return row

    async def execute(self, statement):
        await self._connection.execute(statement)

    async def notify(self):
        await self._connection.execute("NOTIFY headrace_progress")

    async def workflow(self, *, document=None, diagnostics=(), **row):
        """A workflow with its one version: published unless it is a draft."""
        document = document or DOCUMENT
        status = row.get("status", "active")
        found = {
            "id": WORKFLOW,
            "name": document["name"],
            "status": status,
            "version": 1,
            "published_version": None if status == "draft" else 1,
            "diagnostics": Json(diagnostics),
            "created_at": START,
            "updated_at": START,
        } | row
        await self.insert("workflows", **found)
        await self.version(workflow_id=found["id"], document=document, diagnostics=diagnostics, of=found)
        return found

    async def version(self, *, document=None, diagnostics=(), of=None, **row):
        document = document or DOCUMENT
        draft = bool(of) and of["status"] == "draft"
        return await self.insert(
            "workflow_versions",
            **{
                "workflow_id": WORKFLOW,
                "version": 1,
                "status": "draft" if draft else "published",
                "name": document["name"],
                "document": json.dumps(document),
                "source": json.dumps(document, indent=2),
                "format": "json",
                "digest": "d1",
                "diagnostics": Json(diagnostics),
                "templates": {},
                "created_at": START,
                "published_at": None if draft else START,
            }
            | row,
        )

    async def contact(self, id="ada", **row):
        return await self.insert(
            "contacts",
            **{
                "id": id,
                "first_name": "Ada",
                "phone": "+15005550006",
                "source": "facebook_ad",
                "tags": ["vip"],
                "custom_fields": {"plan": "pro"},
                "created": True,
                "seq": 1,
                "created_at": START,
                "updated_at": START,
            }
            | row,
        )

    async def enrollment(self, id=ENROLLMENT, **row):
        return await self.insert(
            "workflow_enrollments",
            **{
                "id": id,
                "workflow_id": WORKFLOW,
                "version": 1,
                "contact_id": "ada",
                "status": "active",
                "current_step": "wait",
                "state": {},
                "enrolled_at": START,
                "trigger_type": "contact_created",
                "trigger_data": {},
                "hops": 0,
                "awaits_event": False,
                "seq": 2,
                "updated_at": START,
            }
            | row,
        )

    async def execution(self, step_id="greet", **row):
        return await self.insert(
            "workflow_executions",
            **{
                "id": uuid4(),
                "enrollment_id": ENROLLMENT,
                "step_id": step_id,
                "step_type": "send_sms",
                "status": "completed",
                "started_at": START,
                "visit": 1,
                "attempts": 1,
                "seq": 3,
            }
            | row,
        )

    async def happening(self, seq, **row):
        """An item of a timeline."""
        return await self.insert(
            "timeline",
            **{
                "contact_id": "ada",
                "seq": seq,
                "at": later(seconds=seq),
                "type": "contact.tag_added",
                "summary": f"thing {seq}",
                "data": {"tag": f"t{seq}"},
            }
            | row,
        )

    async def incident(self, **row):
        return await self.insert(
            "incidents",
            **{
                "id": uuid4(),
                "enrollment_id": ENROLLMENT,
                "contact_id": "ada",
                "workflow_id": WORKFLOW,
                "step_id": "greet",
                "code": "provider_error",
                "message": "the provider said no",
                "status": "open",
                "opened_at": START,
            }
            | row,
        )

    async def dead_letter(self, **row):
        return await self.insert(
            "dead_letters",
            **{
                "id": "contact-events/0/7",
                "reason": "unreadable",
                "message": "expected JSON",
                "topic": "contact-events",
                "partition": 0,
                "offset": 7,
                "key": b"ada",
                "value": b"{",
                "headers": {},
                "at": START,
            }
            | row,
        )

    async def intent(self, step_id="greet", **row):
        """A row of the send ledger."""
        return await self.insert(
            "send_ledger",
            **{
                "action_key": f"{ENROLLMENT}/{step_id}/1",
                "contact_id": "ada",
                "workflow_id": WORKFLOW,
                "enrollment_id": ENROLLMENT,
                "step_id": step_id,
                "step_type": "send_sms",
                "visit": 1,
                "channel": "sms",
                "recipient": "+15005550006",
                "outcome": "succeeded",
                "attempts": 1,
                "requested_at": START,
                "seq": 4,
            }
            | row,
        )

    async def consent(self, contact_id="ada", **row):
        """An address that is not written to, unless the row says otherwise."""
        found = {"channel": "sms", "address": "+15005550006", "allowed": False, "reason": "opted_out", "at": START}
        return await self.insert("consents", contact_id=contact_id, **found | row)

    async def template(self, name="hello", **row):
        return await self.insert(
            "templates", **{"name": name, "channel": "sms", "body": "Hi", "updated_at": START} | row
        )

    async def result(self, command_id, **row):
        """The result of a command."""
        return await self.insert(
            "command_results",
            **{"command_id": str(command_id), "command_type": "test", "result": "accepted", "at": START} | row,
        )

    async def partitions_reach(self, offset, *, count=4):
        """All partitions go by the definitions below this offset."""
        await self._connection.execute("DELETE FROM partitions")
        for number in range(count):
            await self.insert("partitions", partition=number, catalogue_offset=offset, reconciled_offset=offset)


class Json(tuple):
    """A list that is to be kept as JSON."""

    __slots__ = ()


def _adapted(value):
    if isinstance(value, Json):
        return Jsonb(list(value))
    return Jsonb(value) if isinstance(value, dict) else value
