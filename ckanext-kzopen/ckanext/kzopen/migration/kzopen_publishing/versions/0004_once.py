"""Repairs that were accepted for one delivery alone; those that may be wrong for the next file are remembered no more.

Deliveries that wait for a decision keep what they were mended by. A downgrade does not bring back what is forgotten.
"""

from alembic import op

revision = "0004_once"
down_revision = "0003_repairs"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE kzopen.delivery ADD COLUMN repairs jsonb NOT NULL DEFAULT '[]';
        UPDATE kzopen.delivery d SET repairs = found.repairs
        FROM (
            SELECT r.package_id, jsonb_agg(jsonb_build_array(kinds.now, nullif(r.field, ''))) AS repairs
            FROM kzopen.accepted_repair r
            JOIN (
                VALUES ('repeated-keys', 'repeated-keys'), ('repeats', 'same-rows'), ('zeros', 'short-codes')
            ) AS kinds (was, now) ON kinds.was = r.kind
            GROUP BY r.package_id
        ) found
        WHERE found.package_id = d.package_id AND d.state IN ('awaiting_approval', 'quarantined', 'scheduled');
        DELETE FROM kzopen.accepted_repair WHERE kind = 'repeated-keys';
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE kzopen.delivery DROP COLUMN repairs")
