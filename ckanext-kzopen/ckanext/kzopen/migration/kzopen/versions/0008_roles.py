"""Who works where in which role; leave and substitution; invitations."""

from alembic import op

revision = "0008_roles"
down_revision = "0007_agencies"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
SELECT 1;
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
