"""The tables of procrastinate, in our schema.

Its functions are called from sessions with another search path, so each gets its own (`SET search_path`).
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


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(text("SET LOCAL search_path = kzopen, public"))
    connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    connection.execute(text(PIN_SEARCH_PATH))


def downgrade() -> None:
    raise NotImplementedError("jobs are not thrown away; restore a backup instead")
