"""Emergency withdrawal: what was taken out, from which places, why."""

from alembic import op

revision = "0013_withdrawal"
down_revision = "0012_figures"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
