"""Plugin `kzopen_search`: CKAN interfaces of search, and nothing else."""

from __future__ import annotations

import ckan.plugins as p
import click
from ckan.common import CKANConfig
from ckanext.kzopen.search import cli, seams


class SearchPlugin(p.SingletonPlugin):
    """Search without Solr."""

    p.implements(p.IConfigurer)
    p.implements(p.IClick)

    def update_config(self, config: CKANConfig) -> None:
        """CKAN checks its search right after this."""
        seams.replace()

    def get_commands(self) -> list[click.Command]:
        """`ckan kzopen-search …`."""
        return [cli.kzopen_search]
