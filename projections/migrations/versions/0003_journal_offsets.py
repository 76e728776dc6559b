"""The timeline says where in the journal each event stands, and when definitions came into force in each partition."""

import sqlalchemy as sa
from alembic import op

from projections.stale import mark_stale

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Rows of before keep no offset (a rebuild gives them theirs); from the checkpoints on, what is in force is known.

    What is in force is noted at the last record that was projected: the next one may say by itself that another is.
    """
    op.add_column("timeline", sa.Column("offset", sa.BigInteger(), nullable=True))
    op.create_table(
        "catalogue_advances",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("catalogue_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "offset", name="catalogue_advances_pkey"),
    )
    op.execute(
        """
        INSERT INTO catalogue_advances (partition, "offset", catalogue_offset)
        SELECT p.partition, c."offset" - 1, p.catalogue_offset
          FROM partitions p JOIN checkpoints c ON c.topic = 'headrace.journal' AND c.partition = p.partition
         WHERE p.catalogue_offset > 0 AND c."offset" > 0
        """
    )
    mark_stale(op.get_bind(), "timeline", "catalogue_advances")


def downgrade() -> None:
    """Forget both; the log makes them again."""
    op.drop_table("catalogue_advances")
    op.drop_column("timeline", "offset")
