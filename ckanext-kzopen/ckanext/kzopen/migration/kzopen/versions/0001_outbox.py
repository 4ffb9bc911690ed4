"""What changed, and which consumer has still to hear of it."""

from alembic import op

revision = "0001_outbox"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            topic text NOT NULL,
            key text NOT NULL,
            payload jsonb NOT NULL DEFAULT '{}',
            created timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE kzopen.outbox_consumer (
            name text PRIMARY KEY,
            topics text[] NOT NULL
        );
        -- A row here is a delivery that has not been acknowledged.
        CREATE TABLE kzopen.outbox_delivery (
            consumer text NOT NULL REFERENCES kzopen.outbox_consumer ON DELETE CASCADE,
            outbox_id bigint NOT NULL REFERENCES kzopen.outbox ON DELETE CASCADE,
            PRIMARY KEY (consumer, outbox_id)
        );
        CREATE INDEX outbox_delivery_row ON kzopen.outbox_delivery (outbox_id);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.outbox_delivery, kzopen.outbox_consumer, kzopen.outbox")
