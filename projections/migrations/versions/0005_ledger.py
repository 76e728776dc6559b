"""The send ledger, and consents."""

import sqlalchemy as sa
from alembic import op

from projections.stale import mark_stale

revision: str = "0005"
down_revision: str | None = "0003"


def upgrade() -> None:
    """Make them, empty: nothing was ever written to them before. `headrace rebuild` fills in what stands in the journal."""
    op.create_table(
        "send_ledger",
        sa.Column("action_key", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.UUID(), nullable=True),
        sa.Column("enrollment_id", sa.UUID(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("step_type", sa.Text(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("delivery_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("price", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("action_key", name="send_ledger_pkey"),
    )
    op.create_index("ix_ledger_requested", "send_ledger", [sa.text("requested_at DESC"), "action_key"])
    op.create_index("ix_ledger_enrollment", "send_ledger", ["enrollment_id"])
    op.create_index("ix_ledger_contact", "send_ledger", ["contact_id", sa.text("requested_at DESC")])
    op.create_index(
        "ix_ledger_provider_id",
        "send_ledger",
        ["provider_id"],
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_table(
        "consents",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "channel", "address", name="consents_pkey"),
    )
    op.create_index("ix_contacts_phone", "contacts", [sa.text("translate(phone, ' -().', '')")])
    mark_stale(op.get_bind(), "send_ledger")


def downgrade() -> None:
    """Forget them; the log makes them again."""
    op.drop_index("ix_contacts_phone")
    op.drop_table("consents")
    op.drop_table("send_ledger")
