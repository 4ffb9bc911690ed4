"""What a token may do: by which modes it sends rows, and whether it changes passports; the tokens of before may all."""

from alembic import op

revision = "0016_token_limits"
down_revision = "0015_metrics"
_ALL = "'{replace,append,upsert,delete,passport}'"


def upgrade() -> None:
    op.execute(
        f"ALTER TABLE kzopen.system_token ADD COLUMN may text[] NOT NULL DEFAULT {_ALL} "
        f"CONSTRAINT system_token_may_check CHECK (may <@ {_ALL})"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE kzopen.system_token DROP COLUMN may")
