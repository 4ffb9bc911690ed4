"""The public record: leaves of an append-only Merkle log, its perfect nodes, signed heads and the keys that sign them.

A leaf gets its place at the commit, by a deferred trigger: the lock that puts appends in order is taken after all other work
of the transaction, and held only until its commit is on disk.
"""

from alembic import op

revision = "0004_record"
down_revision = "0003_jobs"


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(SEQUENCING)
    op.execute(PROTECTION)


TABLES = """
CREATE TABLE kzopen.leaf (
    id uuid PRIMARY KEY,
    index bigint UNIQUE,
    kind text NOT NULL,
    object_id text NOT NULL,
    at timestamptz NOT NULL,
    hash bytea NOT NULL,
    record json,  -- json, not jsonb: the hash is of this very text
    nonce bytea,
    erased text,
    CONSTRAINT leaf_is_whole_or_erased CHECK (
        CASE WHEN erased IS NULL THEN record IS NOT NULL AND nonce IS NOT NULL ELSE record IS NULL AND nonce IS NULL END
    )
);
CREATE INDEX leaf_object ON kzopen.leaf (kind, object_id, index);
CREATE TABLE kzopen.node (
    level smallint,
    index bigint,
    hash bytea NOT NULL,
    PRIMARY KEY (level, index)
);
CREATE TABLE kzopen.key (
    id text PRIMARY KEY,
    public bytea NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    statement json NOT NULL
);
CREATE UNIQUE INDEX key_in_use ON kzopen.key ((true)) WHERE until IS NULL;
CREATE TABLE kzopen.head (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    at timestamptz NOT NULL,
    key text NOT NULL REFERENCES kzopen.key,
    signature bytea NOT NULL
);
"""
SEQUENCING = """
CREATE FUNCTION kzopen.sequence_leaf() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    joined bytea;
    height int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('kzopen.record', 0));
    SELECT coalesce(max(n.index) + 1, 0) INTO place FROM kzopen.node n WHERE n.level = 0;
    UPDATE kzopen.leaf l SET index = place WHERE l.id = NEW.id AND l.index IS NULL RETURNING l.hash INTO joined;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO kzopen.node VALUES (0, place, joined);
    WHILE place % 2 = 1 LOOP
        SELECT sha256('\\x01'::bytea || n.hash || joined) INTO STRICT joined
        FROM kzopen.node n WHERE n.level = height AND n.index = place - 1;
        place := place / 2;
        height := height + 1;
        INSERT INTO kzopen.node VALUES (height, place, joined);
    END LOOP;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER leaf_gets_its_place AFTER INSERT ON kzopen.leaf
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.index IS NULL) EXECUTE FUNCTION kzopen.sequence_leaf();
"""
# These stop mistakes, not attackers: whoever owns the tables can switch triggers off. The log itself finds that.
PROTECTION = """
CREATE FUNCTION kzopen.leaf_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.kind, OLD.object_id, OLD.at, OLD.hash) = (NEW.id, NEW.kind, NEW.object_id, NEW.at, NEW.hash) THEN
        IF OLD.index IS NULL AND NEW.index IS NOT NULL AND NEW.erased IS NOT DISTINCT FROM OLD.erased
            AND NEW.nonce IS NOT DISTINCT FROM OLD.nonce AND NEW.record::text IS NOT DISTINCT FROM OLD.record::text
        THEN
            RETURN NEW;
        ELSIF OLD.index = NEW.index AND OLD.erased IS NULL AND NEW.erased IS NOT NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of kzopen.leaf are never changed; their text may be erased once';
END $$;
CREATE TRIGGER leaf_never_changes BEFORE UPDATE ON kzopen.leaf FOR EACH ROW EXECUTE FUNCTION kzopen.leaf_change();
CREATE TRIGGER leaf_is_never_deleted BEFORE DELETE OR TRUNCATE ON kzopen.leaf
    FOR EACH STATEMENT EXECUTE FUNCTION kzopen.refuse_change();
CREATE TRIGGER node_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON kzopen.node
    FOR EACH STATEMENT EXECUTE FUNCTION kzopen.refuse_change();
CREATE TRIGGER head_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON kzopen.head
    FOR EACH STATEMENT EXECUTE FUNCTION kzopen.refuse_change();
CREATE TRIGGER key_is_never_deleted BEFORE DELETE OR TRUNCATE ON kzopen.key
    FOR EACH STATEMENT EXECUTE FUNCTION kzopen.refuse_change();
"""


def downgrade() -> None:
    raise NotImplementedError("the public record is not thrown away; restore a backup instead")
