"""Enrollments show that they wait for an event: such a one is neither stuck nor late, however long it takes."""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"

_IN_HAND = "status = 'active' AND next_action_at IS NULL"


def upgrade() -> None:
    """None of those that are there does."""
    op.add_column(
        "workflow_enrollments", sa.Column("awaits_event", sa.Boolean(), nullable=False, server_default="false")
    )
    op.alter_column("workflow_enrollments", "awaits_event", server_default=None)
    _index_in_hand(f"{_IN_HAND} AND NOT awaits_event")


def downgrade() -> None:
    """Forget it; the log makes it again."""
    _index_in_hand(_IN_HAND)
    op.drop_column("workflow_enrollments", "awaits_event")


def _index_in_hand(where: str) -> None:
    op.drop_index("ix_enrollments_in_hand")
    op.create_index(
        "ix_enrollments_in_hand", "workflow_enrollments", ["updated_at", "id"], postgresql_where=sa.text(where)
    )
