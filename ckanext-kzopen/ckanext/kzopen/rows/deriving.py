"""What is kept on this machine besides the versions themselves: DuckDB files for counts, whole files for downloads."""

from __future__ import annotations

from pathlib import Path

import ckan.plugins.toolkit as tk
from ckanext.kzopen.rows import current, duck, folding
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.chain import Link
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import table_of
from sqlalchemy.orm import Session


def duck_folder() -> Path:
    """Where DuckDB files lie."""
    return Path(tk.config["kzopen.data"]) / "cache" / "duckdb"


def derive(session: Session, version: Version) -> bool:
    """Make the DuckDB file of the whole table below the version when it is missing; whether it was made."""
    table = table_of(session, tk.config["kzopen.files_url"], version)
    if table.whole.rows < folding.DERIVED_ROWS or duck.file_of(duck_folder(), version, table.whole).exists():
        return False
    package_id, number = version.package_id, table.whole.number
    session.rollback()  # no transaction stays open while the file is made
    duck.build(duck_folder(), version, table)
    if not any(link.number == number for link in versions.links(session, package_id)):
        duck.drop(duck_folder(), package_id, number)  # withdrawn meanwhile
        return False
    return True


def wanted(session: Session) -> dict[Path, Version]:
    """The DuckDB files that should be there: one for each large table that can be read."""
    found: dict[Path, Version] = {}
    for version in current.current_versions(session):
        links = versions.links(session, version.package_id, version.number)
        whole = _whole(links)
        if whole is not None and whole.rows >= folding.DERIVED_ROWS:
            found[duck.file_of(duck_folder(), version, whole)] = version
    return found


def _whole(links: list[Link]) -> Link | None:
    return next((link for link in reversed(links) if link.since is None), None)


def missing(session: Session) -> list[str]:
    """The data sets whose DuckDB file is missing."""
    return [version.uri for file, version in wanted(session).items() if not file.exists()]


def tidy(session: Session) -> int:
    """Delete DuckDB files that are not wanted any more; how many."""
    found = duck.stale(duck_folder(), set(wanted(session)))
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)
