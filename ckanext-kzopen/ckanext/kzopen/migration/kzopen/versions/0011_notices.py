"""Subscriptions, notices and what was delivered of them."""

from alembic import op

revision = "0011_notices"
down_revision = "0010_systems"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
-- A reader is the id of an account, or an address that somebody without account has confirmed.
CREATE TABLE kzopen.subscription (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reader text NOT NULL,
    what text NOT NULL CHECK (what IN ('thing', 'agency', 'section', 'kind', 'words', 'personal')),
    target text NOT NULL,
    how text NOT NULL CHECK (how IN ('at_once', 'daily', 'feed')),
    language text NOT NULL,
    query tsquery,
    confirmed timestamptz,
    created timestamptz NOT NULL DEFAULT now(),
    UNIQUE (reader, what, target),
    CONSTRAINT subscription_words_have_a_query CHECK ((what = 'words') = (query IS NOT NULL))
);
CREATE INDEX subscription_target ON kzopen.subscription (what, target) WHERE confirmed IS NOT NULL;
CREATE TABLE kzopen.news (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    kind text NOT NULL,
    about text NOT NULL,
    agencies text[] NOT NULL DEFAULT '{}',
    section text,
    values jsonb NOT NULL,
    words tsvector NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    withdrawn text
);
CREATE INDEX news_about ON kzopen.news (about);
CREATE INDEX news_agencies ON kzopen.news USING gin (agencies);
CREATE INDEX news_section ON kzopen.news (section, id DESC);
CREATE TABLE kzopen.notice (
    news bigint NOT NULL REFERENCES kzopen.news ON DELETE CASCADE,
    reader text NOT NULL,
    how text NOT NULL,
    language text NOT NULL,
    subscription bigint,
    mailed text,
    seen timestamptz,
    PRIMARY KEY (news, reader)
);
CREATE INDEX notice_reader ON kzopen.notice (reader, news DESC);
CREATE INDEX notice_unseen ON kzopen.notice (reader) WHERE seen IS NULL;
CREATE INDEX notice_daily ON kzopen.notice (reader) WHERE how = 'daily' AND mailed IS NULL;
CREATE TABLE kzopen.notice_feed (
    reader text PRIMARY KEY,
    generation integer NOT NULL DEFAULT 1
);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
