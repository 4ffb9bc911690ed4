"""What has to agree in a restored portal before anybody reads it; `python -m … INI FILE` in a process of its own.

Tables of DataStore are made from the versions, what was withdrawn after the archive was made is withdrawn again, and no mail
goes out that may have gone out before. FILE tells `withdrawn`, what other places know of withdrawals, and `aliases`, names of
DataStore's tables. Each line of output is `{"said": sentence}`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def sentences(told: dict[str, Any]) -> Iterator[str]:
    """Let everything agree, and tell what there was to do."""
    from ckan import model
    from ckanext.kzopen.core.record.proofs import log_size

    session = model.Session()
    yield f"{_tables(session)} tables were made from their files"
    _name(told["aliases"])
    yield from _withdrawals(session, told["withdrawn"])
    yield from _mail(session)
    yield f"the public record has {log_size(session)} leaves; tell its readers if there were more"


def _tables(session: Any) -> int:
    """Make DataStore's tables of the current versions; how many there were to make."""
    from ckanext.kzopen.publishing.settle import bring_datastore
    from ckanext.kzopen.rows.current import current_versions

    return sum(bring_datastore(version) for version in current_versions(session))


def _name(aliases: dict[str, str]) -> None:
    """Give tables of versions their other names; an alias of a table that is not there any more goes."""
    from ckanext.kzopen.publishing.settle import datastore_transaction
    from ckanext.kzopen.rows import datastore

    with datastore_transaction() as connection:
        for alias, table in aliases.items():
            datastore.name(connection, table, alias)


def _withdrawals(session: Any, later: list[dict[str, Any]]) -> Iterator[str]:
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.core.withdrawal import kept

    for row in kept.again(session, [*kept.statements(tk.config["kzopen.files_url"]), *later]):
        yield f"{row.kind} {row.name}, withdrawn on {row.at.date()}, is withdrawn again"


def _mail(session: Any) -> Iterator[str]:
    from ckanext.kzopen.core.mail.upkeep import doubt_all

    number = doubt_all(session)
    session.commit()
    if number:
        yield f"{number} mails were waiting and may have been sent since; ./kzopen mail resend --all, or with --give-up"


def main(ini: str, file: str) -> None:
    """Load CKAN, let all agree."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    told = json.loads(Path(file).read_text(encoding="utf-8"))
    app = make_app(CKANConfigLoader(ini).get_config())
    with app._wsgi_app.test_request_context():
        for sentence in sentences(told):
            sys.stdout.write(json.dumps({"said": sentence}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
