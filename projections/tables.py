"""The read side's tables, as the migrations leave them; names are unqualified, so the search path decides where."""

# over 300 lines because all tables are read in one place

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata: Final = sa.MetaData(
    naming_convention={"pk": "%(table_name)s_pkey", "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
)

_Column = sa.Column[Any]


def _id(name: str, **options: Any) -> _Column:
    return sa.Column(name, UUID(as_uuid=False), **{"nullable": False} | options)


def _text(name: str, *, nullable: bool = False, **options: Any) -> _Column:
    return sa.Column(name, sa.Text, nullable=nullable, **options)


def _at(name: str, *, nullable: bool = False) -> _Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _int(name: str, *, nullable: bool = False, **options: Any) -> _Column:
    return sa.Column(name, sa.Integer, nullable=nullable, **options)


def _big(name: str, *, nullable: bool = False, **options: Any) -> _Column:
    return sa.Column(name, sa.BigInteger, nullable=nullable, **options)


def _json(name: str, default: str = "{}") -> _Column:
    return sa.Column(name, JSONB, nullable=False, server_default=sa.text(f"'{default}'::jsonb"))


workflows: Final = sa.Table(
    "workflows",
    metadata,
    _id("id", primary_key=True),
    _text("name"),
    _text("status"),
    _int("version"),
    _int("published_version", nullable=True),
    _json("diagnostics", "[]"),
    _at("created_at"),
    _at("updated_at"),
    _at("paused_at", nullable=True),
)

workflow_versions: Final = sa.Table(
    "workflow_versions",
    metadata,
    _id("workflow_id", primary_key=True),
    _int("version", primary_key=True, autoincrement=False),
    _text("status"),
    _text("name"),
    _text("document"),  # JSON as text: jsonb would not keep the order of its keys
    _text("source"),
    _text("format"),
    _text("digest"),
    _json("diagnostics", "[]"),
    _json("templates"),
    _at("created_at"),
    _at("published_at", nullable=True),
)

templates: Final = sa.Table(
    "templates",
    metadata,
    _text("name", primary_key=True),
    _text("channel"),
    _text("subject", nullable=True),
    _text("body"),
    _text("html", nullable=True),
    _text("sendgrid_template_id", nullable=True),
    _at("updated_at"),
)

contacts: Final = sa.Table(
    "contacts",
    metadata,
    _text("id", primary_key=True),
    _text("first_name", nullable=True),
    _text("last_name", nullable=True),
    _text("email", nullable=True),
    _text("phone", nullable=True),
    _text("source", nullable=True),
    _text("timezone", nullable=True),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")),
    _json("custom_fields"),
    sa.Column("created", sa.Boolean, nullable=False),  # False: a bare contact, made by another event
    _text("last_sms_reply", nullable=True),
    _big("seq"),  # of the last journal event that changed this row
    _at("created_at"),
    _at("updated_at"),
)
sa.Index(  # by hashes: a B-tree refuses what is long, and facts may hold anything
    "ix_contacts_phone",
    sa.func.translate(contacts.c.phone, sa.literal_column("' -().'"), sa.literal_column("''")),
    postgresql_using="hash",
)
sa.Index(
    "ix_contacts_email",
    sa.func.lower(
        sa.func.btrim(
            sa.func.regexp_replace(contacts.c.email, sa.literal_column("'.*<([^>]*)>.*'"), sa.literal_column(r"'\1'"))
        )
    ),
    postgresql_using="hash",
)

workflow_enrollments: Final = sa.Table(
    "workflow_enrollments",
    metadata,
    _id("id", primary_key=True),
    _id("workflow_id"),
    _int("version"),
    _text("contact_id"),
    _text("status"),
    _text("current_step", nullable=True),
    _json("state"),
    _at("next_action_at", nullable=True),
    _at("enrolled_at"),
    _at("completed_at", nullable=True),
    _text("exit_reason", nullable=True),
    _text("trigger_type"),
    _json("trigger_data"),
    _int("hops"),
    _big("seq"),  # of the last journal event that changed this row
    _at("updated_at"),
    _text("paused_by", nullable=True),  # while it is paused: operator, workflow or lateness
    sa.Column("awaits_event", sa.Boolean, nullable=False),  # it may take for ever, so it is neither stuck nor late
)
sa.Index(
    "ix_enrollments_workflow",
    workflow_enrollments.c.workflow_id,
    workflow_enrollments.c.enrolled_at.desc(),
    workflow_enrollments.c.id,
)
sa.Index(
    "ix_enrollments_workflow_status",
    workflow_enrollments.c.workflow_id,
    workflow_enrollments.c.status,
    workflow_enrollments.c.enrolled_at.desc(),
    workflow_enrollments.c.id,
)
sa.Index("ix_enrollments_contact", workflow_enrollments.c.contact_id)
sa.Index(  # what is due next, and what is late
    "ix_enrollments_due",
    workflow_enrollments.c.next_action_at,
    workflow_enrollments.c.id,
    postgresql_where=sa.text("status IN ('active', 'paused') AND next_action_at IS NOT NULL"),
)
sa.Index(  # what a provider has in hand: few, and gone from here as soon as it answers
    "ix_enrollments_in_hand",
    workflow_enrollments.c.updated_at,
    workflow_enrollments.c.id,
    postgresql_where=sa.text("status = 'active' AND next_action_at IS NULL AND NOT awaits_event"),
)

workflow_executions: Final = sa.Table(
    "workflow_executions",
    metadata,
    _id("id", primary_key=True),
    _id("enrollment_id"),
    sa.Column("step_id", sa.String(100), nullable=False),
    sa.Column("step_type", sa.String(50), nullable=False),
    sa.Column("status", sa.String(20), nullable=False, server_default="pending"),
    _json("input_data"),
    _json("output_data"),
    _text("error_message", nullable=True),
    _at("started_at", nullable=True),
    _at("completed_at", nullable=True),
    _int("visit"),
    _int("attempts"),
    _big("seq"),  # of the execution's first journal event
)
sa.Index("ix_executions_enrollment", workflow_executions.c.enrollment_id, workflow_executions.c.seq)

send_ledger: Final = sa.Table(
    "send_ledger",
    metadata,
    _text("action_key", primary_key=True),
    _text("contact_id"),
    _id("workflow_id", nullable=True),
    _id("enrollment_id"),
    _text("step_id"),
    _text("step_type"),
    _int("visit"),
    _text("channel"),
    _text("recipient", nullable=True),
    _text("outcome"),
    _text("code", nullable=True),
    _int("attempts"),
    _text("provider_id", nullable=True),
    _text("delivery", nullable=True),
    _at("delivery_at", nullable=True),
    _text("price", nullable=True),
    _at("requested_at"),
    _at("settled_at", nullable=True),
    _big("seq"),  # of the intent's journal event
)
sa.Index("ix_ledger_requested", send_ledger.c.requested_at.desc(), send_ledger.c.action_key)
sa.Index("ix_ledger_enrollment", send_ledger.c.enrollment_id)
sa.Index("ix_ledger_contact", send_ledger.c.contact_id, send_ledger.c.requested_at.desc())
sa.Index(
    "ix_ledger_provider_id",
    send_ledger.c.provider_id,
    postgresql_using="hash",
    postgresql_where=send_ledger.c.provider_id.is_not(None),
)

consents: Final = sa.Table(
    "consents",
    metadata,
    _text("contact_id", primary_key=True),
    _text("channel", primary_key=True),
    _text("address", primary_key=True),
    sa.Column("allowed", sa.Boolean, nullable=False),
    _text("reason"),
    _at("at"),
)

timeline: Final = sa.Table(
    "timeline",
    metadata,
    _text("contact_id", primary_key=True),
    _big("seq", primary_key=True, autoincrement=False),
    _at("at"),
    _text("type"),
    _text("summary"),
    _json("data"),
    _id("enrollment_id", nullable=True),
    _big(
        "offset", nullable=True
    ),  # in the contact's partition of the journal; rows older than migration 0003 have none
)

incidents: Final = sa.Table(
    "incidents",
    metadata,
    _id("id", primary_key=True),
    _id("enrollment_id", nullable=True),
    _text("contact_id", nullable=True),
    _id("workflow_id", nullable=True),
    _text("step_id", nullable=True),
    _text("code"),
    _text("message"),
    _text("status"),
    _text("resolution", nullable=True),
    _at("opened_at"),
    _at("resolved_at", nullable=True),
)
sa.Index("ix_incidents_status", incidents.c.status, incidents.c.opened_at.desc(), incidents.c.id)

dead_letters: Final = sa.Table(
    "dead_letters",
    metadata,
    _text("id", primary_key=True),
    _text("reason"),
    _text("message"),
    _text("topic"),
    _int("partition", nullable=True),
    _big("offset", nullable=True),
    sa.Column("key", sa.LargeBinary, nullable=True),
    sa.Column("value", sa.LargeBinary, nullable=True),
    _json("headers"),
    _at("at"),
    _text("status", server_default="open"),
    _at("replayed_at", nullable=True),
    _text("replayed_by", nullable=True),  # the command that asked for it
)
sa.Index("ix_dead_letters_at", dead_letters.c.at.desc(), dead_letters.c.id)
sa.Index("ix_dead_letters_status", dead_letters.c.status, dead_letters.c.at.desc(), dead_letters.c.id)

command_results: Final = sa.Table(
    "command_results",
    metadata,
    _text("command_id", primary_key=True),
    _text("command_type"),
    _text("result"),
    _text("code", nullable=True),
    _text("reason", nullable=True),
    _text("contact_id", nullable=True),
    _id("workflow_id", nullable=True),
    _id("enrollment_id", nullable=True),
    _int("version", nullable=True),
    _big("definition_offset", nullable=True),
    _at("at"),
)

partitions: Final = sa.Table(
    "partitions",
    metadata,
    _int("partition", primary_key=True, autoincrement=False),
    _big("catalogue_offset"),
    _big("reconciled_offset"),
)

catalogue_advances: Final = sa.Table(
    "catalogue_advances",
    metadata,
    _int("partition", primary_key=True, autoincrement=False),
    _big("offset", primary_key=True, autoincrement=False),  # of the journal record from which on they are in force
    _big("catalogue_offset"),
)

checkpoints: Final = sa.Table(
    "checkpoints",
    metadata,
    _text("topic", primary_key=True),
    _int("partition", primary_key=True, autoincrement=False),
    _big("offset"),
)
