"""What stops a delivery, who decides on it, what agencies ask for; uploads in parts; keys that are free again."""

from alembic import op

revision = "0002_decisions"
down_revision = "0001_delivery"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE kzopen.delivery
            ADD COLUMN waits_for text CHECK (waits_for IN ('check', 'approval')),
            ADD COLUMN stops jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN decision_reason text,
            ADD COLUMN key_free boolean NOT NULL DEFAULT false;
        UPDATE kzopen.delivery SET waits_for = 'check' WHERE check_only;
        DROP INDEX kzopen.delivery_key;
        CREATE UNIQUE INDEX delivery_key ON kzopen.delivery (package_id, idempotency_key)
            WHERE idempotency_key IS NOT NULL AND NOT key_free;
        CREATE INDEX delivery_due ON kzopen.delivery (publish_at) WHERE state = 'scheduled';
        CREATE TABLE kzopen.delivery_rule (
            package_id text PRIMARY KEY,
            empty text NOT NULL CHECK (empty IN ('refuse', 'quarantine', 'allow')),
            loss double precision CHECK (loss > 0 AND loss <= 1),
            columns text NOT NULL CHECK (columns IN ('quarantine', 'allow')),
            changed timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE kzopen.approval_rule (
            agency_id text PRIMARY KEY,
            second_person text NOT NULL CHECK (second_person IN ('nobody', 'people', 'all')),
            changed timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE kzopen.upload (
            id uuid PRIMARY KEY,
            package_id text NOT NULL,
            uri text NOT NULL,
            sender text NOT NULL,
            mode text NOT NULL,
            waits_for text,
            publish_at timestamptz,
            media_type text,
            file_name text,
            idempotency_key text,
            length bigint NOT NULL CHECK (length > 0),
            received bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND length),
            created timestamptz NOT NULL DEFAULT now(),
            expires timestamptz NOT NULL,
            delivery_id uuid
        );
        CREATE INDEX upload_open ON kzopen.upload (sender) WHERE delivery_id IS NULL;
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE kzopen.upload, kzopen.approval_rule, kzopen.delivery_rule;
        DROP INDEX kzopen.delivery_due, kzopen.delivery_key;
        UPDATE kzopen.delivery SET idempotency_key = NULL WHERE key_free;
        ALTER TABLE kzopen.delivery
            DROP COLUMN waits_for, DROP COLUMN stops, DROP COLUMN decision_reason, DROP COLUMN key_free;
        CREATE UNIQUE INDEX delivery_key ON kzopen.delivery (package_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
        """
    )
