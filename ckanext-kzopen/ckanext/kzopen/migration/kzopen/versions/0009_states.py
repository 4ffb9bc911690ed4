"""The event log: for which agency, in whose place; what waits for its seal; what is left of a deleted event."""

from alembic import op

revision = "0009_states"
down_revision = "0008_roles"


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(DELETED)
    op.execute(UNSEALED)


COLUMNS = """
ALTER TABLE kzopen.event ADD COLUMN agency text, ADD COLUMN in_place_of text;
CREATE INDEX event_agency ON kzopen.event (agency, id);
"""
# The hash of a deleted event stays: the others of its seal can still be proven.
DELETED = """
CREATE TABLE kzopen.event_deleted (
    id bigint PRIMARY KEY,
    hash bytea NOT NULL
);
CREATE TRIGGER event_deleted_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON kzopen.event_deleted
    FOR EACH STATEMENT EXECUTE FUNCTION kzopen.refuse_change();
"""
# What waits for its seal in the public record. A trigger, so that no writer of events can forget it.
UNSEALED = """
CREATE TABLE kzopen.event_unsealed (id bigint PRIMARY KEY);
INSERT INTO kzopen.event_unsealed SELECT id FROM kzopen.event;
CREATE FUNCTION kzopen.event_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kzopen.event_unsealed VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER event_waits_for_its_seal AFTER INSERT ON kzopen.event
    FOR EACH ROW EXECUTE FUNCTION kzopen.event_waits();
"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
