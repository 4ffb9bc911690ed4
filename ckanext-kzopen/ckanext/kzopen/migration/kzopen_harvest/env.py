"""Migrations of the plugin `kzopen_harvest`; the environment is shared, see core/db.py."""

from ckanext.kzopen.core.db import run_migrations

run_migrations("kzopen_harvest")
