"""Indexes for what Prometheus asks every few seconds: the oldest job that is due, jobs and mails that were given up."""

from alembic import op

revision = "0015_metrics"
down_revision = "0014_searches"


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX jobs_due ON kzopen.procrastinate_jobs (queue_name, scheduled_at, id) WHERE status = 'todo';
        CREATE INDEX jobs_failed ON kzopen.procrastinate_jobs (task_name) WHERE status = 'failed';
        CREATE INDEX mail_waiting ON kzopen.mail (tries, created) WHERE state = 'queued';
        CREATE INDEX mail_given_up ON kzopen.mail (changed) WHERE state = 'given_up';
        """
    )


def downgrade() -> None:
    op.execute("DROP INDEX kzopen.jobs_due, kzopen.jobs_failed, kzopen.mail_waiting, kzopen.mail_given_up")
