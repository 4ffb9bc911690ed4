"""A job that is tried again does not stand in the way of one that was wanted meanwhile, nor that one in its way.

The index on `queueing_lock` lets one job of a key wait. A job that ran while its key was wanted again could not return to the
queue: neither after a failure, nor when its worker had died, and then all jobs of dead workers stayed where they were.
"""

from alembic import op

revision = "0019_tried_again"
down_revision = "0018_imported_rows"


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION kzopen.job_tried_again() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.queueing_lock := NULL;
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER job_tried_again BEFORE UPDATE OF status ON kzopen.procrastinate_jobs
            FOR EACH ROW WHEN (NEW.status = 'todo' AND OLD.status <> 'todo' AND NEW.queueing_lock IS NOT NULL)
            EXECUTE FUNCTION kzopen.job_tried_again();
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER job_tried_again ON kzopen.procrastinate_jobs; DROP FUNCTION kzopen.job_tried_again()")
