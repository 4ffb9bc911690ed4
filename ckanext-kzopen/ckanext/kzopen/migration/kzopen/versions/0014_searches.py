"""Saved searches among the subscriptions."""

from alembic import op

revision = "0014_searches"
down_revision = "0013_withdrawal"
_BEFORE = "'thing', 'agency', 'section', 'kind', 'words', 'personal'"


def upgrade() -> None:
    _allow(f"{_BEFORE}, 'search'")


def downgrade() -> None:
    op.execute("DELETE FROM kzopen.subscription WHERE what = 'search'")
    _allow(_BEFORE)


def _allow(what: str) -> None:
    op.execute(
        f"""
        ALTER TABLE kzopen.subscription DROP CONSTRAINT subscription_what_check;
        ALTER TABLE kzopen.subscription ADD CONSTRAINT subscription_what_check CHECK (what IN ({what}));
        """
    )
