"""The tables of procrastinate, in our schema.

Its functions are called from sessions with another search path, so each gets its own (`SET search_path`). A later version of
procrastinate brings migrations in `procrastinate/sql/migrations`; run those here in the same way.
"""

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import text

revision = "0003_jobs"
down_revision = "0002_event"

PIN_SEARCH_PATH = """
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN
        SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'kzopen' AND p.proname LIKE 'procrastinate%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = kzopen, public', f);
    END LOOP;
END $$
"""

# A worker looks for work when a job is added, not when one ends; without this a job that waited for another one's lock would
# be found by the next regular look only.
WAKE_WAITING = """
CREATE FUNCTION procrastinate_kzopen_lock_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(
        'procrastinate_queue_v1#' || OLD.queue_name,
        json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text
    );
    RETURN NULL;
END $$;
CREATE TRIGGER kzopen_lock_released_at_end AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND NEW.status <> 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION procrastinate_kzopen_lock_released();
CREATE TRIGGER kzopen_lock_released_by_deletion AFTER DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION procrastinate_kzopen_lock_released();
"""

REMOVE = """
DO $$
DECLARE item record;
BEGIN
    FOR item IN SELECT tablename FROM pg_tables WHERE schemaname = 'kzopen' AND tablename LIKE 'procrastinate%' LOOP
        EXECUTE format('DROP TABLE kzopen.%I CASCADE', item.tablename);
    END LOOP;
    FOR item IN SELECT p.oid::regprocedure AS f FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'kzopen' AND p.proname LIKE 'procrastinate%' LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', item.f);
    END LOOP;
    FOR item IN SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE n.nspname = 'kzopen' AND t.typname LIKE 'procrastinate%' AND t.typtype IN ('c', 'e') LOOP
        EXECUTE format('DROP TYPE kzopen.%I CASCADE', item.typname);
    END LOOP;
END $$
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(text("SET LOCAL search_path = kzopen, public"))
    connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    connection.exec_driver_sql(WAKE_WAITING)
    connection.exec_driver_sql(PIN_SEARCH_PATH.replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql(REMOVE.replace("%", "%%"))
