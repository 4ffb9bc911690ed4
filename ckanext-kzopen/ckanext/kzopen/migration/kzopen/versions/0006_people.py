"""Accounts of people: confirmed addresses, levels of identity, second factors, identities of sign-in providers."""

from alembic import op

revision = "0006_people"
down_revision = "0005_mail"


def upgrade() -> None:
    op.execute(TABLES)


# Accounts lie in CKAN's table "user", in another schema: a foreign key would keep CKAN from deleting an account.
TABLES = """
CREATE TABLE kzopen.account (
    user_id text PRIMARY KEY,
    language text NOT NULL,
    email_confirmed timestamptz
);
CREATE TABLE kzopen.link (
    digest text PRIMARY KEY,
    purpose text NOT NULL,
    user_id text,
    email text NOT NULL,
    fullname text,
    language text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX link_user ON kzopen.link (user_id);
CREATE INDEX link_expires ON kzopen.link (expires);
CREATE TABLE kzopen.identity_level (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL,
    level text NOT NULL,
    confirmed_by text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    ended timestamptz,
    number_hash text,
    number_end text,
    organisation text,
    CHECK (until IS NULL OR until > since)
);
CREATE INDEX identity_level_user ON kzopen.identity_level (user_id, level);
-- One person, one IIN: a second account cannot claim it while the first holds it.
CREATE UNIQUE INDEX identity_level_number ON kzopen.identity_level (number_hash)
    WHERE level = 'iin_confirmed' AND ended IS NULL;
CREATE TABLE kzopen.second_factor (
    user_id text PRIMARY KEY,
    secret text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    last_step bigint NOT NULL
);
CREATE TABLE kzopen.recovery_code (
    user_id text NOT NULL,
    digest text NOT NULL,
    used timestamptz,
    PRIMARY KEY (user_id, digest)
);
CREATE TABLE kzopen.linked_identity (
    provider text NOT NULL,
    subject text NOT NULL,
    user_id text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, subject)
);
CREATE INDEX linked_identity_user ON kzopen.linked_identity (user_id);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
