"""Figures that sections register, and their values by period; views, downloads and API calls by object and day."""

from alembic import op

revision = "0012_figures"
down_revision = "0011_notices"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
CREATE TABLE kzopen.figure_value (
    figure text NOT NULL,
    start date NOT NULL,
    agency text NOT NULL DEFAULT '',
    value numeric NOT NULL,
    computed timestamptz NOT NULL DEFAULT now(),
    revised timestamptz,
    PRIMARY KEY (figure, start, agency)
);
CREATE INDEX figure_value_agency ON kzopen.figure_value (agency, figure, start DESC);
CREATE TABLE kzopen.figure_revision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    figure text NOT NULL,
    start date NOT NULL,
    agency text NOT NULL,
    old numeric,
    new numeric,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX figure_revision_of ON kzopen.figure_revision (figure, start, agency, at);
CREATE TABLE kzopen.access_count (
    object_id text NOT NULL,
    day date NOT NULL,
    what text NOT NULL CHECK (what IN ('view', 'download', 'api')),
    robot boolean NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (object_id, day, what, robot)
);
CREATE INDEX access_count_day ON kzopen.access_count (day);
CREATE TABLE kzopen.access_file (
    identity text PRIMARY KEY,
    position bigint NOT NULL,
    read timestamptz NOT NULL DEFAULT now()
);
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
