"""Passports of data sets, and deliveries of rows to them."""

from alembic import op

revision = "0001_delivery"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.passport (
            package_id text PRIMARY KEY,
            uri text NOT NULL UNIQUE,
            resource_id text NOT NULL UNIQUE,
            schema jsonb NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            changed timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE kzopen.delivery (
            id uuid PRIMARY KEY,
            package_id text NOT NULL,
            uri text NOT NULL,
            mode text NOT NULL CHECK (mode IN ('replace', 'append', 'upsert', 'delete')),
            check_only boolean NOT NULL DEFAULT false,
            state text NOT NULL,
            sender text NOT NULL,
            source text NOT NULL,
            media_type text,
            file_name text,
            path text NOT NULL,
            size bigint NOT NULL CHECK (size >= 0),
            sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            idempotency_key text CHECK (length(idempotency_key) BETWEEN 1 AND 255),
            publish_at timestamptz,
            approver text,
            rows bigint,
            added bigint,
            changed bigint,
            unchanged bigint,
            removed bigint,
            wrong bigint,
            report jsonb,
            version integer,
            error text,
            received timestamptz NOT NULL DEFAULT now(),
            checking timestamptz,
            checked timestamptz,
            finished timestamptz,
            settled timestamptz
        );
        CREATE INDEX delivery_package ON kzopen.delivery (package_id, received DESC);
        CREATE INDEX delivery_state ON kzopen.delivery (state) WHERE state NOT IN ('accepted', 'refused');
        CREATE UNIQUE INDEX delivery_key ON kzopen.delivery (package_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.delivery, kzopen.passport")
