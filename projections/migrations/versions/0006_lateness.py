"""Enrollments show who paused them, and are found by when they are due."""

import sqlalchemy as sa
from alembic import op

from projections.stale import mark_stale

revision: str = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    """Who paused what is paused already is not known here; a rebuild knows."""
    op.add_column("workflow_enrollments", sa.Column("paused_by", sa.Text(), nullable=True))
    op.create_index(
        "ix_enrollments_due",
        "workflow_enrollments",
        ["next_action_at", "id"],
        postgresql_where=sa.text("status IN ('active', 'paused') AND next_action_at IS NOT NULL"),
    )
    op.create_index(
        "ix_enrollments_in_hand",
        "workflow_enrollments",
        ["updated_at", "id"],
        postgresql_where=sa.text("status = 'active' AND next_action_at IS NULL"),
    )
    mark_stale(op.get_bind(), "workflow_enrollments")


def downgrade() -> None:
    """Forget it; the log makes it again."""
    op.drop_index("ix_enrollments_in_hand")
    op.drop_index("ix_enrollments_due")
    op.drop_column("workflow_enrollments", "paused_by")
