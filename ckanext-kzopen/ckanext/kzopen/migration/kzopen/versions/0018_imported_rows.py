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
        -- What became of the rows of tables that were imported before is not known; those of which the import waits stay.
        DELETE FROM kzopen.staff_import WHERE imported IS NOT NULL AND NOT EXISTS (
            SELECT FROM kzopen.procrastinate_jobs job
            WHERE job.task_name = 'people.import_staff' AND job.args ->> 'number' = staff_import.id::text
                AND job.status IN ('todo', 'doing')
        );
        COMMENT ON TABLE kzopen.staff_import_row IS 'what became of a row; whose it is stands in staff_import only';
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE kzopen.staff_import_row")
