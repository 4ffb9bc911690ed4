"""Harvest sources, their runs, the items of each run, and what is held of each source."""

from alembic import op

revision = "0001_harvest"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.harvest_source (
            id uuid PRIMARY KEY,
            name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9_-]{2,60}$'),
            title text NOT NULL,
            agency_id text NOT NULL,
            kind text NOT NULL,
            settings jsonb NOT NULL DEFAULT '{}',
            secrets text,
            defaults jsonb NOT NULL DEFAULT '{}',
            schedule text NOT NULL DEFAULT '',
            threshold double precision NOT NULL DEFAULT 0.2 CHECK (threshold BETWEEN 0 AND 1),
            state text NOT NULL,
            fingerprint text NOT NULL,
            previewed text,
            next_run timestamptz,
            created timestamptz NOT NULL DEFAULT now(),
            changed timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX harvest_source_agency ON kzopen.harvest_source (agency_id);
        CREATE INDEX harvest_source_due ON kzopen.harvest_source (next_run) WHERE state = 'active';
        CREATE TABLE kzopen.harvest_run (
            id uuid PRIMARY KEY,
            source_id uuid NOT NULL REFERENCES kzopen.harvest_source,
            agency_id text NOT NULL,
            purpose text NOT NULL CHECK (purpose IN ('harvest', 'retry', 'dry', 'preview')),
            state text NOT NULL,
            starter text NOT NULL,
            fingerprint text NOT NULL,
            cursor jsonb,
            told bigint,
            complete boolean NOT NULL DEFAULT false,
            attempts integer NOT NULL DEFAULT 0,
            removals_allowed boolean,
            seen bigint,
            added bigint,
            changed bigint,
            unchanged bigint,
            removed bigint,
            failed bigint,
            error text,
            error_params jsonb NOT NULL DEFAULT '{}',
            bytes bigint NOT NULL DEFAULT 0,
            created timestamptz NOT NULL DEFAULT now(),
            started timestamptz,
            discovered timestamptz,
            finished timestamptz
        );
        CREATE INDEX harvest_run_source ON kzopen.harvest_run (source_id, created DESC);
        CREATE INDEX harvest_run_open ON kzopen.harvest_run (state)
            WHERE state IN ('queued', 'discovering', 'fetching', 'awaiting_confirmation');
        CREATE UNIQUE INDEX harvest_run_one ON kzopen.harvest_run (source_id)
            WHERE state IN ('queued', 'discovering', 'fetching');
        CREATE TABLE kzopen.harvest_item (
            run_id uuid NOT NULL REFERENCES kzopen.harvest_run ON DELETE CASCADE,
            guid text NOT NULL CHECK (length(guid) BETWEEN 1 AND 500),
            position integer NOT NULL,
            removal boolean NOT NULL DEFAULT false,
            hash text,
            data jsonb NOT NULL DEFAULT '{}',
            batch integer,
            outcome text CHECK (outcome IN ('added', 'changed', 'unchanged', 'removed', 'failed')),
            attempts integer NOT NULL DEFAULT 0,
            next_try timestamptz,
            error text,
            error_params jsonb NOT NULL DEFAULT '{}',
            uri text,
            delivery_id uuid,
            differences jsonb,
            finished timestamptz,
            PRIMARY KEY (run_id, guid)
        );
        CREATE INDEX harvest_item_todo ON kzopen.harvest_item (run_id, batch, position) WHERE outcome IS NULL;
        CREATE INDEX harvest_item_outcome ON kzopen.harvest_item (run_id, outcome, position);
        CREATE TABLE kzopen.harvest_held (
            source_id uuid NOT NULL REFERENCES kzopen.harvest_source,
            guid text NOT NULL,
            package_id text NOT NULL UNIQUE,
            uri text NOT NULL,
            hash text,
            fingerprint text NOT NULL,
            passport text NOT NULL,
            content text,
            validators jsonb NOT NULL DEFAULT '{}',
            run_id uuid NOT NULL,
            gone timestamptz,
            changed timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (source_id, guid)
        );
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.harvest_held, kzopen.harvest_item, kzopen.harvest_run, kzopen.harvest_source")
