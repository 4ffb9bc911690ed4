"""A version that was withdrawn keeps its number and its place in the record, and nothing else of it is given out."""

from alembic import op

revision = "0002_withdrawn"
down_revision = "0001_version"


def upgrade() -> None:
    op.execute("ALTER TABLE kzopen.version ADD COLUMN withdrawn timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE kzopen.version DROP COLUMN withdrawn")
