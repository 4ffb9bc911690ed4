"""Documents as they were before they changed, until saved searches have looked at them; what each of these has told.

What a document gains in the same write in which the version of its analysis changes is told to nobody, unless a change of it
waits to be looked at or it opens later.
"""

from alembic import op

revision = "0003_before"
down_revision = "0002_sections"


def upgrade() -> None:
    op.execute(TABLES)


TABLES = """
CREATE TABLE kzopen.search_before (
    key text PRIMARY KEY,
    about text NOT NULL,       -- kind and id of the thing
    fields json,               -- null: there was no document
    analysis smallint,
    written timestamptz,       -- when the document of these fields was
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    last timestamptz NOT NULL DEFAULT clock_timestamp(), -- when it last changed
    opens bigint,              -- microseconds since 1970: the document was not for everybody before
    due timestamptz,           -- null: the document is gone, and not new should it come back
    changes bigint NOT NULL DEFAULT 0
);
CREATE INDEX search_before_due ON kzopen.search_before (due, key);
CREATE TABLE kzopen.search_told (
    subscription bigint NOT NULL REFERENCES kzopen.subscription ON DELETE CASCADE,
    about text NOT NULL,
    PRIMARY KEY (subscription, about)
);
CREATE INDEX search_told_about ON kzopen.search_told (about);
CREATE FUNCTION kzopen.remember_document() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    opens bigint;
    waits boolean := EXISTS (SELECT FROM kzopen.search_before b WHERE b.key = coalesce(NEW.key, OLD.key));
BEGIN
    IF TG_OP <> 'DELETE' THEN
        opens := (NEW.fields -> 'moments' ->> 'visible_from')::bigint;
        IF TG_OP = 'UPDATE' AND OLD.hash = NEW.hash THEN
            RETURN NULL;
        END IF;
    END IF;
    -- A document that opens later may be waited for by somebody who saves a search until then.
    IF opens IS NULL AND NOT waits
        AND NOT EXISTS (SELECT FROM kzopen.subscription WHERE what = 'search' AND confirmed IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    -- Words of another version of the analysis cannot be compared, and a new version writes every document anew.
    IF opens IS NULL AND NOT waits AND TG_OP = 'UPDATE' AND OLD.analysis <> NEW.analysis THEN
        RETURN NULL;
    END IF;
    INSERT INTO kzopen.search_before AS b (key, about, fields, analysis, written, opens, due)
    VALUES (coalesce(NEW.key, OLD.key),
        coalesce(NEW.entity_type, OLD.entity_type) || ':' || coalesce(NEW.entity_id, OLD.entity_id),
        OLD.fields, OLD.analysis, OLD.changed, opens, CASE WHEN TG_OP <> 'DELETE' THEN clock_timestamp() END)
    ON CONFLICT (key) DO UPDATE
        SET opens = coalesce(excluded.opens, b.opens), due = excluded.due, last = excluded.last, changes = b.changes + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER remember_document AFTER INSERT OR UPDATE OR DELETE ON kzopen.search_document
    FOR EACH ROW EXECUTE FUNCTION kzopen.remember_document();
"""


def downgrade() -> None:
    op.execute(
        """
        DROP TRIGGER remember_document ON kzopen.search_document;
        DROP FUNCTION kzopen.remember_document;
        DROP TABLE kzopen.search_before, kzopen.search_told;
        """
    )
