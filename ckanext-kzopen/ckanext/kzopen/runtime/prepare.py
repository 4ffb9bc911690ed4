"""Everything that a database needs before the portal can use it: tables, rights, first account, translations.

`python -m ckanext.kzopen.runtime.prepare INI` runs in a process of its own, so that the launcher stays small.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ckanext.kzopen.runtime.parenthood import end_with_parent
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import PAUSE, NotReady

OURS = ("kzopen", "kzopen_search", "kzopen_rows", "kzopen_publishing", "kzopen_harvest")
THEIRS = ("activity",)


def wanted_stamp(portal: Portal) -> str:
    """Hash of what decides whether anything has to be prepared: versions, migrations, translations, databases."""
    package = Path(__file__).parent.parent
    theme = importlib.util.find_spec("portal_theme")
    folders = [package / "migration"]
    if theme and theme.submodule_search_locations:
        folders.append(Path(theme.submodule_search_locations[0]))
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.po")]):
            digest.update(file.read_bytes())
    digest.update(json.dumps([portal.settings.database_url, portal.settings.datastore_url, sys.version]).encode())
    lock = package.parents[2] / "requirements.txt"
    digest.update(lock.read_bytes() if lock.exists() else b"")
    return digest.hexdigest()


def is_prepared(portal: Portal) -> bool:
    """Whether the last preparation was for this very state."""
    return _last(portal)[:1] == [wanted_stamp(portal)]


def is_at_its_address(portal: Portal) -> bool:
    """Whether the last preparation was for this address: documents of the search index tell it."""
    return _last(portal)[1:] == [portal.settings.address]


def _last(portal: Portal) -> list[str]:
    """Stamp and address of the last preparation."""
    stamp = portal.data / "prepared"
    return stamp.read_text().split() if stamp.exists() else []


def mark_prepared(portal: Portal) -> None:
    """Remember that this state is prepared."""
    (portal.data / "prepared").write_text(f"{wanted_stamp(portal)}\n{portal.settings.address}\n")


def prepare(portal: Portal, stopping: Callable[[], bool] = lambda: False) -> str:
    """Run the preparation, until `stopping` says that nobody waits for it; its words, for the log.

    Raises subprocess.CalledProcessError with them when it fails, NotReady when it was stopped: the next start does it again.
    """
    command = [sys.executable, "-m", "ckanext.kzopen.runtime.prepare", str(portal.ini), str(portal.accounts)]
    pipe, dies_with_us = subprocess.PIPE, partial(end_with_parent, signal.SIGTERM)
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd="/", preexec_fn=dies_with_us) as child:
        said = _words(child, stopping)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, *said)
    mark_prepared(portal)
    return said[0]


def _words(child: subprocess.Popen[str], stopping: Callable[[], bool]) -> tuple[str, str]:
    while True:
        try:
            return child.communicate(timeout=PAUSE)
        except subprocess.TimeoutExpired:
            if stopping():
                child.kill()
                raise NotReady("preparation") from None


def _migrate() -> None:
    from ckan import model
    from ckan.cli.db import _repo_for_plugin, _run_migrations
    from ckan.plugins import plugin_loaded

    model.repo.upgrade_db()
    for plugin in (*THEIRS, *OURS):
        if plugin_loaded(plugin):
            with _repo_for_plugin(plugin):
                _run_migrations(plugin)


def main(ini: str, accounts: str) -> None:
    """Prepare the databases that the ini names; their users own them, so no superuser is needed."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app
    from ckan.lib.i18n import build_js_translations
    from ckanext.kzopen.core.record.portal import ensure_key
    from ckanext.kzopen.runtime import datastore_rights
    from ckanext.kzopen.runtime.accounts import make_first_accounts
    from ckanext.kzopen.search.rebuild import follow_address

    from portal_theme.messages import compile_catalogues

    config = CKANConfigLoader(ini).get_config()
    if config.get("ckan.i18n_directory"):
        compile_catalogues(Path(config["ckan.i18n_directory"]))
    app = make_app(config)
    with app._wsgi_app.app_context():
        _migrate()
        datastore_rights.grant(config["sqlalchemy.url"], config["ckan.datastore.write_url"], config["ckan.datastore.read_url"])
        make_first_accounts(Path(accounts))
        ensure_key()
        follow_address(config["ckan.site_url"])
        build_js_translations()


if __name__ == "__main__":
    main(*sys.argv[1:3])
