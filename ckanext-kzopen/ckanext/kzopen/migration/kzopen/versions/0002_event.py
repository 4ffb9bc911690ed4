"""The event log: who did what, when, from where, to which object."""

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
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.event")
