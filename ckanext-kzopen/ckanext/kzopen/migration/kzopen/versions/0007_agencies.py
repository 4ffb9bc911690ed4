"""Agencies beside CKAN's organisations: dated names, places in the tree, codes and successors."""

from alembic import op

revision = "0007_agencies"
down_revision = "0006_people"


def upgrade() -> None:
    op.execute(TABLES)


# No foreign keys to CKAN's own tables: CKAN's `clean_db` drops them.
TABLES = """
CREATE TABLE kzopen.agency (
    id text PRIMARY KEY,
    state text NOT NULL,
    address text NOT NULL,
    kind text NOT NULL DEFAULT 'other',
    name_kk text, name_ru text, name_en text,
    short_kk text, short_ru text, short_en text,
    bin text UNIQUE,
    kato text,
    parent text REFERENCES kzopen.agency ON DELETE SET NULL,
    liquidated_on date,
    successor text REFERENCES kzopen.agency ON DELETE SET NULL,
    handed_over timestamptz,
    created timestamptz NOT NULL DEFAULT now(),
    CHECK (parent <> id),
    CHECK (successor <> id)
);
CREATE INDEX agency_parent_index ON kzopen.agency (parent);
CREATE INDEX agency_successor ON kzopen.agency (successor) WHERE successor IS NOT NULL;
CREATE INDEX agency_liquidated_on ON kzopen.agency (liquidated_on) WHERE liquidated_on IS NOT NULL;

CREATE TABLE kzopen.agency_name (
    agency text NOT NULL REFERENCES kzopen.agency ON DELETE CASCADE,
    since date NOT NULL,
    name_kk text, name_ru text, name_en text,
    short_kk text, short_ru text, short_en text,
    PRIMARY KEY (agency, since)
);

CREATE TABLE kzopen.agency_parent (
    agency text NOT NULL REFERENCES kzopen.agency ON DELETE CASCADE,
    since date NOT NULL,
    parent text REFERENCES kzopen.agency ON DELETE SET NULL,
    PRIMARY KEY (agency, since)
);
CREATE INDEX agency_parent_of ON kzopen.agency_parent (parent);

CREATE TABLE kzopen.agency_address (
    address text PRIMARY KEY,
    agency text NOT NULL REFERENCES kzopen.agency ON DELETE CASCADE,
    until timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE kzopen.agency_handover (
    kind text NOT NULL,
    thing text NOT NULL,
    from_agency text NOT NULL,
    to_agency text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, thing, at)
);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
