"""Figures that sections register, and their values by period."""

from alembic import op

revision = "0012_figures"
down_revision = "0011_notices"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
