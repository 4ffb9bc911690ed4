"""Our PostgreSQL schema, its metadata, and the one alembic environment of all our migrations.

Tables lie in a schema of their own because CKAN's `clean_db` reflects and drops every table of the default one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, engine_from_config, pool, text
from sqlalchemy.orm import DeclarativeBase

SCHEMA = "kzopen"


class Base(DeclarativeBase):
    """Parent of all tables of kzopen."""

    metadata = MetaData(schema=SCHEMA)


def run_migrations(plugin: str) -> None:
    """Bring the tables of `plugin` up to date; called by the `env.py` of each plugin's migration folder.

    The version table `<plugin>_alembic_version` lies in our schema, beside the tables it speaks of.
    """
    from alembic import context  # here: the launcher and its commands migrate nothing

    config = context.config
    section: dict[str, Any] = config.get_section(config.config_ini_section) or {}
    engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            version_table=f"{plugin}_alembic_version",
            version_table_schema=SCHEMA,
        )
        with context.begin_transaction():
            context.run_migrations()
