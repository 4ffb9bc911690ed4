"""Subscriptions, notices and what was delivered of them."""

from alembic import op

revision = "0011_notices"
down_revision = "0010_systems"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
