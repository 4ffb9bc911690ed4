"""Who works where in which role; leave and substitution; invitations."""

from alembic import op

revision = "0008_roles"
down_revision = "0007_agencies"


def upgrade() -> None:
    op.execute(TABLES)


# No foreign keys to CKAN's tables: CKAN purges accounts and organisations by itself, and what was assigned is history.
TABLES = """
CREATE TABLE kzopen.assignment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person text NOT NULL,
    agency text,
    role text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    assigned_by text,
    ended_by text,
    CHECK (until IS NULL OR until >= since)
);
CREATE UNIQUE INDEX assignment_open ON kzopen.assignment (person, coalesce(agency, ''), role) WHERE until IS NULL;
CREATE INDEX assignment_agency ON kzopen.assignment (agency);
CREATE INDEX assignment_until ON kzopen.assignment (until) WHERE until IS NOT NULL;

CREATE TABLE kzopen.membership (
    person text NOT NULL,
    agency text NOT NULL,
    capacity text NOT NULL,
    PRIMARY KEY (person, agency)
);
COMMENT ON TABLE kzopen.membership IS 'the role in a CKAN organisation that was given because of assignments';

CREATE TABLE kzopen.delegation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    absent text NOT NULL,
    substitute text NOT NULL,
    agency text,
    role text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    delegated_by text NOT NULL,
    delegated timestamptz NOT NULL DEFAULT now(),
    revoked timestamptz,
    revoked_by text,
    CHECK (until > since),
    CHECK (absent <> substitute)
);
CREATE INDEX delegation_substitute ON kzopen.delegation (substitute, until);
CREATE INDEX delegation_absent ON kzopen.delegation (absent, until);

CREATE TABLE kzopen.invitation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash text NOT NULL UNIQUE,
    email text NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    agency text,
    role text NOT NULL,
    invited_by text NOT NULL,
    invited timestamptz NOT NULL DEFAULT now(),
    expires timestamptz NOT NULL,
    accepted timestamptz,
    person text,
    withdrawn timestamptz
);
CREATE INDEX invitation_email ON kzopen.invitation (lower(email));
CREATE INDEX invitation_agency ON kzopen.invitation (agency);

CREATE TABLE kzopen.staff_import (
    id uuid PRIMARY KEY,
    person text NOT NULL,
    file_name text NOT NULL,
    received timestamptz NOT NULL DEFAULT now(),
    rows jsonb NOT NULL,
    imported timestamptz
);
CREATE INDEX staff_import_received ON kzopen.staff_import (received);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
