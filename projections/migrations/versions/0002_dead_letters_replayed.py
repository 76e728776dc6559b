"""Dead letters show whether they were replayed."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Every letter of before is open: nothing could be replayed yet."""
    op.add_column("dead_letters", sa.Column("status", sa.Text(), server_default="open", nullable=False))
    op.add_column("dead_letters", sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("dead_letters", sa.Column("replayed_by", sa.Text(), nullable=True))
    op.create_index("ix_dead_letters_status", "dead_letters", ["status", sa.text("at DESC"), "id"])


def downgrade() -> None:
    """Forget it; the log makes it again."""
    op.drop_index("ix_dead_letters_status")
    op.drop_column("dead_letters", "replayed_by")
    op.drop_column("dead_letters", "replayed_at")
    op.drop_column("dead_letters", "status")
