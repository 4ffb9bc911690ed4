"""Search documents: the truth from which every search index is built."""

from alembic import op

revision = "0001_document"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.search_document (
            key text PRIMARY KEY,
            site_id text NOT NULL,
            entity_type text NOT NULL,
            entity_id text NOT NULL,
            name text,
            stored json NOT NULL,
            data_dict text,
            validated_data_dict text,
            fields json NOT NULL,
            analysis smallint NOT NULL,
            hash bigint NOT NULL,
            changed timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX search_document_entity ON kzopen.search_document (site_id, entity_type, entity_id);
        CREATE INDEX search_document_name ON kzopen.search_document (site_id, entity_type, name);
        -- The index hears of changes from the first one on, whether or not its process has run yet.
        INSERT INTO kzopen.outbox_consumer (name, topics) VALUES
            ('search', '{search.document}'), ('search.recompute', '{package.stale}');
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM kzopen.outbox_consumer WHERE name IN ('search', 'search.recompute')")
    op.execute("DROP TABLE kzopen.search_document")
