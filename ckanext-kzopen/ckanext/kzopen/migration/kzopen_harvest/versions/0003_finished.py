"""The runs that ended on a day are looked up at once, however many there were: figures of harvesting count them."""

from alembic import op

revision = "0003_finished"
down_revision = "0002_waiting"


def upgrade() -> None:
    op.execute("CREATE INDEX harvest_run_finished ON kzopen.harvest_run (finished)")


def downgrade() -> None:
    op.execute("DROP INDEX kzopen.harvest_run_finished")
