"""The event log: filters, exports and rules of keeping."""

from alembic import op

revision = "0009_states"
down_revision = "0008_roles"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
