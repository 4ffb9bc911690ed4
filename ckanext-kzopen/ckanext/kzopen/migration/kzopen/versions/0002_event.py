"""The event log: who did what, when, from where, to which object. Its rows may be added, never changed."""

from alembic import op

revision = "0002_event"
down_revision = "0001_outbox"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.event (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT now(),
            actor text,
            address inet,
            kind text NOT NULL,
            object_id text NOT NULL,
            verb text NOT NULL,
            old jsonb,
            new jsonb,
            reason text
        );
        CREATE INDEX event_object ON kzopen.event (kind, object_id, id);
        CREATE INDEX event_actor ON kzopen.event (actor, id);
        CREATE INDEX event_at ON kzopen.event (at);

        CREATE FUNCTION kzopen.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of %.% are never changed', TG_TABLE_SCHEMA, TG_TABLE_NAME;
        END $$;
        CREATE TRIGGER event_never_changes BEFORE UPDATE ON kzopen.event
            FOR EACH STATEMENT EXECUTE FUNCTION kzopen.refuse_change();
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.event; DROP FUNCTION kzopen.refuse_change")
