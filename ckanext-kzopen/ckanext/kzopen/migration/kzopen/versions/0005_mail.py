"""Outgoing mail: what is to be sent to whom, in which language, and what became of it; addresses that take no mail."""

from alembic import op

revision = "0005_mail"
down_revision = "0004_record"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
CREATE TABLE kzopen.mail (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    state text NOT NULL DEFAULT 'queued',
    template text NOT NULL,
    recipient text NOT NULL,
    language text NOT NULL,
    person text,
    subject text,
    text text,
    unsubscribe text,
    once text UNIQUE,
    about text[] NOT NULL DEFAULT '{}',
    created timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    tries smallint NOT NULL DEFAULT 0,
    next_try timestamptz NOT NULL DEFAULT now(),
    changed timestamptz NOT NULL DEFAULT now(),
    error text,
    CONSTRAINT mail_has_a_known_state CHECK (state IN ('queued', 'sending', 'sent', 'refused', 'given_up', 'stopped')),
    -- What may hold a confirmation link is kept only as long as it may have to be sent.
    CONSTRAINT mail_text_is_erased CHECK (state IN ('queued', 'sending') = (text IS NOT NULL))
);
CREATE INDEX mail_due ON kzopen.mail ((unsubscribe IS NOT NULL), next_try, id) WHERE state = 'queued';
CREATE INDEX mail_sending ON kzopen.mail (changed) WHERE state = 'sending';
CREATE INDEX mail_done ON kzopen.mail (changed) WHERE state NOT IN ('queued', 'sending');
CREATE INDEX mail_person ON kzopen.mail (person) WHERE person IS NOT NULL;
CREATE INDEX mail_about ON kzopen.mail USING gin (about) WHERE state = 'queued';
CREATE TABLE kzopen.dead_address (
    address text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL
);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
