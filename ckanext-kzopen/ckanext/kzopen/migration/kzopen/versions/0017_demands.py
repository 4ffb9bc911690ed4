"""What saved searches demand of a document, so that a change is held against those only that it may fit."""

from alembic import op

revision = "0017_demands"
down_revision = "0016_token_limits"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE kzopen.subscription
            ADD COLUMN demands bigint[], -- numbers of words and values, of which what fits has one;
            ADD COLUMN demands_2 bigint[], ADD COLUMN demands_3 bigint[], -- and one of each of these
            ADD COLUMN meaning bigint;   -- of what the address was read with; null: not read yet
        CREATE INDEX subscription_demands ON kzopen.subscription USING gin (demands)
            WHERE what = 'search' AND confirmed IS NOT NULL;
        CREATE INDEX subscription_meaning ON kzopen.subscription (meaning) WHERE what = 'search' AND confirmed IS NOT NULL;
        """
    )


def downgrade() -> None:
    for column in ("demands", "demands_2", "demands_3", "meaning"):
        op.execute(f"ALTER TABLE kzopen.subscription DROP COLUMN {column}")
