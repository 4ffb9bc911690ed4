"""How many items of a run wait for a person is looked up at once, however many items the run has."""

from alembic import op

revision = "0002_waiting"
down_revision = "0001_harvest"


def upgrade() -> None:
    op.execute("CREATE INDEX harvest_item_waiting ON kzopen.harvest_item (run_id) WHERE error = 'harvest.needs_decision'")


def downgrade() -> None:
    op.execute("DROP INDEX kzopen.harvest_item_waiting")
