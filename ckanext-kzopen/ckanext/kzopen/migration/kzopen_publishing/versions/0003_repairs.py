"""Repairs that people accepted for the files of a data set."""

from alembic import op

revision = "0003_repairs"
down_revision = "0002_decisions"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.accepted_repair (
            package_id text NOT NULL,
            kind text NOT NULL,
            field text NOT NULL DEFAULT '',
            actor text NOT NULL,
            accepted timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (package_id, kind, field)
        );
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.accepted_repair")
