"""Addresses are looked up by hashes: they may be as long as they like, and e-mail addresses are looked up, too."""

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"

_PHONE = sa.text("translate(phone, ' -().', '')")
_EMAIL = sa.text(r"lower(btrim(regexp_replace(email, '.*<([^>]*)>.*', '\1')))")
_HAS_ID = sa.text("provider_id IS NOT NULL")


def upgrade() -> None:
    """A row of a B-tree has room for 2,704 bytes; a contact with a longer number stopped the projector."""
    op.drop_index("ix_contacts_phone")
    op.drop_index("ix_ledger_provider_id")
    op.create_index("ix_contacts_phone", "contacts", [_PHONE], postgresql_using="hash")
    op.create_index("ix_contacts_email", "contacts", [_EMAIL], postgresql_using="hash")
    op.create_index(
        "ix_ledger_provider_id", "send_ledger", ["provider_id"], postgresql_using="hash", postgresql_where=_HAS_ID
    )


def downgrade() -> None:
    """As before."""
    op.drop_index("ix_contacts_email")
    op.drop_index("ix_contacts_phone")
    op.drop_index("ix_ledger_provider_id")
    op.create_index("ix_contacts_phone", "contacts", [_PHONE])
    op.create_index("ix_ledger_provider_id", "send_ledger", ["provider_id"], postgresql_where=_HAS_ID)
