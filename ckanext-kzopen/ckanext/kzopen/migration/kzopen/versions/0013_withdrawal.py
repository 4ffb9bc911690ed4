"""Emergency withdrawal: what was taken out, from which places, why."""

from alembic import op

revision = "0013_withdrawal"
down_revision = "0012_figures"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
CREATE TABLE kzopen.withdrawal (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    object_id text NOT NULL,
    name text NOT NULL,
    agency text,
    parts jsonb NOT NULL DEFAULT '{}',
    public boolean NOT NULL,
    state text NOT NULL,
    title jsonb,
    reason jsonb NOT NULL,
    law text,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    out_of jsonb NOT NULL DEFAULT '{}',
    complete timestamptz,
    UNIQUE (kind, object_id)
);
CREATE INDEX withdrawal_name ON kzopen.withdrawal (name, kind);
CREATE INDEX withdrawal_under_way ON kzopen.withdrawal (at) WHERE complete IS NULL;
CREATE INDEX withdrawal_agency ON kzopen.withdrawal (agency, at DESC);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
