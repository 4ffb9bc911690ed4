"""What became of each row of a table of staff, for the person who imports it."""

from alembic import op

revision = "0018_imported_rows"
down_revision = "0017_demands"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE kzopen.staff_import_row (
            import uuid NOT NULL REFERENCES kzopen.staff_import ON DELETE CASCADE,
            number integer NOT NULL,
            outcome text NOT NULL,
            problem jsonb,
            PRIMARY KEY (import, number)
        );
        COMMENT ON TABLE kzopen.staff_import_row IS 'what became of a row; whose it is stands in staff_import only';
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.staff_import_row")
