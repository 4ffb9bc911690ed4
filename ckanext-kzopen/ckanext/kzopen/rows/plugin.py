"""Plugins `kzopen_rows` and `kzopen_words`: CKAN interfaces of the tables and their downloads, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ckan.plugins as p
import click
from ckanext.datastore.interfaces import IDatastore
from ckanext.kzopen.core.web import errors
from ckanext.kzopen.rows import asking, certificates, cli, counting, jobs, withdrawal, writes
from flask import Blueprint

errors.load(Path(__file__).with_name("errors.yaml"))


class RowsPlugin(p.SingletonPlugin):
    """Versions of tables, their downloads, and the current one in CKAN's DataStore."""

    p.implements(p.IActions)
    p.implements(p.IBlueprint)
    p.implements(p.IClick)

    tasks = (jobs.fill_full_text, jobs.fold, jobs.tidy)

    def get_actions(self) -> dict[str, Any]:
        withdrawal.announce()
        return withdrawal.actions() | writes.actions()

    def get_blueprint(self) -> list[Blueprint]:
        return [certificates.blueprint]

    def get_commands(self) -> list[click.Command]:
        return [cli.kzopen_rows]


class WordsPlugin(p.SingletonPlugin):
    """What `datastore_search` asks of large tables; a plugin of its own, since CKAN's `datastore` must come before it."""

    p.implements(IDatastore, inherit=True)
    p.implements(p.IActions)

    def get_actions(self) -> dict[str, Any]:
        return counting.actions()

    def datastore_search(
        self, context: Any, data_dict: dict[str, Any], fields_types: dict[str, str], query_dict: dict[str, Any]
    ) -> dict[str, Any]:
        return asking.look_through(context, data_dict, fields_types, query_dict)
