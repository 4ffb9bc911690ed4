"""Plugin `kzopen_rows`: CKAN interfaces of the tables and their downloads, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ckan.plugins as p
import click
from ckanext.kzopen.core.web import errors
from ckanext.kzopen.rows import certificates, cli, jobs, withdrawal
from flask import Blueprint

errors.load(Path(__file__).with_name("errors.yaml"))


class RowsPlugin(p.SingletonPlugin):
    """Versions of tables, their downloads, and the current one in CKAN's DataStore."""

    p.implements(p.IActions)
    p.implements(p.IBlueprint)
    p.implements(p.IClick)

    tasks = (jobs.fill_full_text,)

    def get_actions(self) -> dict[str, Any]:
        withdrawal.announce()
        return withdrawal.actions()

    def get_blueprint(self) -> list[Blueprint]:
        return [certificates.blueprint]

    def get_commands(self) -> list[click.Command]:
        return [cli.kzopen_rows]
