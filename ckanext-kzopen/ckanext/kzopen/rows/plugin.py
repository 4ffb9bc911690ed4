"""Plugin `kzopen_rows`: CKAN interfaces of the tables and their downloads, and nothing else."""

from __future__ import annotations

import ckan.plugins as p


class RowsPlugin(p.SingletonPlugin):
    """Versions of tables, and the current one in CKAN's DataStore."""
