"""A version may be a chain: a whole table and changes. Its files are told apart from it, since folding makes better ones."""

from alembic import op

revision = "0003_chain"
down_revision = "0002_withdrawn"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE kzopen.version
            ADD COLUMN parent integer,
            ADD COLUMN change_sha256 text CHECK (change_sha256 ~ '^[0-9a-f]{64}$'),
            ADD COLUMN rows_sha256 text CHECK (rows_sha256 ~ '^[0-9a-f]{64}$'),
            ADD COLUMN thinned timestamptz,
            ADD CHECK ((parent IS NULL) = (change_sha256 IS NULL)),
            ADD CHECK (parent < number);
        CREATE TABLE kzopen.version_file (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            package_id text NOT NULL,
            since integer CHECK (since < number),
            number integer NOT NULL,
            path text NOT NULL UNIQUE,
            sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            size bigint NOT NULL CHECK (size >= 0),
            rows bigint NOT NULL CHECK (rows >= 0),
            created timestamptz NOT NULL DEFAULT now()
        );
        CREATE UNIQUE INDEX version_file_way ON kzopen.version_file (package_id, number, coalesce(since, 0));
        INSERT INTO kzopen.version_file (package_id, number, path, sha256, size, rows, created)
            SELECT package_id, number, path, sha256, size, rows, created FROM kzopen.version WHERE withdrawn IS NULL;
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE kzopen.version_file;
        ALTER TABLE kzopen.version DROP COLUMN parent, DROP COLUMN change_sha256, DROP COLUMN rows_sha256, DROP COLUMN thinned;
        """
    )
