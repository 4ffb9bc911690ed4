"""Do versions, their checksums and their files agree? What doctor says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import psycopg
from ckanext.kzopen.rows.chain import Link, chained, reachable

VERSIONS = """
    SELECT v.package_id, v.uri, v.number, v.sha256, v.change_sha256, p.sha256, v.withdrawn IS NULL AND v.thinned IS NULL
    FROM kzopen.version v LEFT JOIN kzopen.version p ON (p.package_id, p.number) = (v.package_id, v.parent) ORDER BY v.id
"""
FILES = "SELECT package_id, since, number, path, rows FROM kzopen.version_file"


def findings(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Versions that cannot be read from the files that are known, and those whose SHA-256 is not that of their chain."""
    links = defaultdict(list)
    for package, since, number, path, rows in connection.execute(FILES):
        links[package].append(Link(since, number, path, rows))
    readable = {package: reachable(found) for package, found in links.items()}
    for package, uri, number, sha256, change, parent, wanted in connection.execute(VERSIONS):
        if wanted and number not in readable.get(package, ()):
            yield f"version {number} of {uri}: no files lead to it"
        if change and (parent is None or chained(parent, change) != sha256):
            yield f"version {number} of {uri}: its SHA-256 is not that of its chain"
