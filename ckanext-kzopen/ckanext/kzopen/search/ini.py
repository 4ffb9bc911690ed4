"""The few settings that the indexer needs from CKAN's ini, without CKAN: loading all of it takes seconds and 150 MB."""

from __future__ import annotations

import os
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class IndexerSettings:
    """Where the database and the index are."""

    database_url: str
    search_url: str
    search_path: Path


def read(path: Path) -> IndexerSettings:
    """Read `[app:main]`, following `use = config:other.ini` as CKAN does; CKAN_SQLALCHEMY_URL counts more than the file."""
    values = _section(path)
    return IndexerSettings(
        database_url=os.environ.get("CKAN_SQLALCHEMY_URL") or values["sqlalchemy.url"],
        search_url=values.get("kzopen.search_url", ""),
        search_path=Path(values.get("kzopen.search_path", "")),
    )


def _section(path: Path) -> dict[str, str]:
    parser = ConfigParser(strict=False, defaults={"here": str(path.resolve().parent)})
    with path.open(encoding="utf-8") as file:
        parser.read_file(file)
    values = dict(parser["app:main"])
    parent = values.get("use", "")
    if parent.startswith("config:"):
        values = {**_section(path.parent / parent.removeprefix("config:")), **values}
    return values
