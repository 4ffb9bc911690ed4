"""Each accepted table is a numbered version that never changes."""

from alembic import op

revision = "0001_version"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.version (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            package_id text NOT NULL,
            resource_id text,
            uri text NOT NULL,
            number integer NOT NULL CHECK (number > 0),
            delivery_id text UNIQUE,
            path text NOT NULL,
            sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            size bigint NOT NULL CHECK (size >= 0),
            rows bigint NOT NULL CHECK (rows >= 0),
            schema jsonb NOT NULL,
            difference jsonb NOT NULL DEFAULT '{}',
            created timestamptz NOT NULL DEFAULT now(),
            UNIQUE (package_id, number)
        );
        CREATE INDEX version_uri ON kzopen.version (uri, number DESC);
        CREATE INDEX version_resource ON kzopen.version (resource_id, number DESC);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.version")
