"""Documents of other sections beside those of data sets: who computes them anew hears of theirs too."""

from alembic import op

revision = "0002_sections"
down_revision = "0001_document"


def upgrade() -> None:
    op.execute("UPDATE kzopen.outbox_consumer SET topics = '{package.stale,search.stale}' WHERE name = 'search.recompute'")


def downgrade() -> None:
    op.execute("UPDATE kzopen.outbox_consumer SET topics = '{package.stale}' WHERE name = 'search.recompute'")
