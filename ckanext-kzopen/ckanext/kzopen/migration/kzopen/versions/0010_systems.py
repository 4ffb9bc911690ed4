"""Information systems of agencies and their tokens."""

from alembic import op

revision = "0010_systems"
down_revision = "0009_states"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
CREATE TABLE kzopen.information_system (
    id uuid PRIMARY KEY,
    agency_id text NOT NULL,
    name text NOT NULL,
    bin text NOT NULL,
    contact text NOT NULL,
    email text NOT NULL,
    datasets text[],
    created timestamptz NOT NULL DEFAULT now(),
    closed timestamptz
);
CREATE INDEX information_system_agency ON kzopen.information_system (agency_id);

CREATE TABLE kzopen.system_token (
    id uuid PRIMARY KEY,
    system_id uuid NOT NULL REFERENCES kzopen.information_system (id),
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    hint text NOT NULL,
    addresses text[] NOT NULL DEFAULT '{}',
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz NOT NULL,
    revoked timestamptz,
    successor uuid REFERENCES kzopen.system_token (id),
    last_used timestamptz,
    last_address inet,
    refused timestamptz,
    request text UNIQUE
);
CREATE INDEX system_token_system ON kzopen.system_token (system_id);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
