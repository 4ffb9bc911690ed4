"""What has to agree in a restored portal before anybody reads it; `python -m … INI FILE` in a process of its own.

What was withdrawn after the archive was made is withdrawn again, tables of DataStore are made from the versions, and no mail
goes out that may have gone out before. FILE tells `withdrawn`, what other places know of withdrawals, and `aliases`, names of
DataStore's tables. Each line of output is `{"said": sentence}`, one is `{"tables": …}`: see `Tables`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Tables:
    """How many current versions there are, and how many of them have no table because their files are missing."""

    wanted: int
    lacking: int


def sentences(told: dict[str, Any]) -> Iterator[str | Tables]:
    """Let everything agree, and tell what there was to do."""
    from ckan import model
    from ckanext.kzopen.core.record.proofs import log_size

    session = model.Session()
    yield from _withdrawals(session, told["withdrawn"])
    yield from _tables(session)
    _name(told["aliases"])
    yield from _mail(session)
    yield f"the public record has {log_size(session)} leaves; tell its readers if there were more"


def _withdrawals(session: Any, later: list[dict[str, Any]]) -> Iterator[str]:
    """Give the orders that this database does not know of; the worker looks into every place again, for the older ones too."""
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.core import jobs
    from ckanext.kzopen.core.withdrawal import Withdrawal, kept
    from sqlalchemy import select

    for row in kept.again(session, [*kept.statements(tk.config["kzopen.files_url"]), *later]):
        yield f"{row.kind} {row.name}, withdrawn on {row.at.date()}, is withdrawn again"
    for number in session.scalars(select(Withdrawal.id)):
        jobs.defer(session, "withdrawal.spread", number=str(number))
    session.commit()


def _tables(session: Any) -> Iterator[str | Tables]:
    """Make DataStore's tables of the current versions."""
    from ckanext.kzopen.publishing.settle import bring_datastore
    from ckanext.kzopen.rows.chain import NoWay
    from ckanext.kzopen.rows.current import current_versions

    made = wanted = lacking = 0
    for version in current_versions(session):
        wanted += 1
        try:
            made += bring_datastore(version)
        except (FileNotFoundError, NoWay) as error:
            lacking += 1
            yield f"! version {version.number} of {version.uri} has no table: its files are missing ({error})"
    yield f"{made} tables were made from their files"
    yield Tables(wanted, lacking)


def _name(aliases: dict[str, str]) -> None:
    """Give tables of versions their other names."""
    from ckanext.kzopen.publishing.settle import datastore_transaction
    from ckanext.kzopen.rows import datastore

    with datastore_transaction() as connection:
        for alias, table in aliases.items():
            datastore.name(connection, table, alias)


def _mail(session: Any) -> Iterator[str]:
    from ckanext.kzopen.core.mail.upkeep import doubt_all
    from ckanext.kzopen.core.notices import digest, reading

    reading.read(session)  # news of what happened before the backup, whose mails are in doubt, too
    digest.pass_over(session)
    number = doubt_all(session)
    session.commit()
    if number:
        yield f"{number} mails were waiting and may have been sent since; ./kzopen mail resend --help tells what to do"


def main(ini: str, file: str) -> None:
    """Load CKAN, let all agree."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    told = json.loads(Path(file).read_text(encoding="utf-8"))
    app = make_app(CKANConfigLoader(ini).get_config())
    with app._wsgi_app.test_request_context():
        for sentence in sentences(told):
            line = {"tables": asdict(sentence)} if isinstance(sentence, Tables) else {"said": sentence}
            sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
