"""Information systems of agencies and their tokens."""

from alembic import op

revision = "0010_systems"
down_revision = "0009_states"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
