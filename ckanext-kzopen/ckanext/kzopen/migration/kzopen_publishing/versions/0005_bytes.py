"""When the bytes of a delivery were deleted by a rule of keeping."""

from alembic import op

revision = "0005_bytes"
down_revision = "0004_once"


def upgrade() -> None:
    op.execute("ALTER TABLE kzopen.delivery ADD COLUMN bytes_deleted timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE kzopen.delivery DROP COLUMN bytes_deleted")
