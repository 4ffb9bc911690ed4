"""Tables in text as their dialect (https://datapackage.org/standard/table-dialect/) says that they are to be read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.web.errors import KzError

READ = ("delimiter", "quoteChar", "doubleQuote", "escapeChar", "header", "commentChar", "skipInitialSpace", "skipBlankRows")
PLAIN = {
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "header": True,
    "headerRows": [1],
    "sheetNumber": 1,
    "itemType": "object",
}
"""What a dialect may say without a change of how the portal reads the file by itself; all else is plain when it is empty."""
WORDS = ("$schema", "profile", "name", "type", "title", "description", "csvddfVersion")
OF_NO_ACCOUNT = (*WORDS, "lineTerminator", "headerJoin", "headerCase", "keyed", "caseSensitiveHeader")
FORMATS = ("csv", "json", "inline")
"""Frictionless writes what belongs to one format into a member of that name."""


def told(dialect: Mapping[str, Any]) -> dict[str, Any]:
    """What is not plain of it; KzError harvest.odd_item for what is not understood, as then the table would be another."""
    flat = {name: value for name, value in dialect.items() if name not in FORMATS}
    for one in FORMATS:
        flat |= dialect.get(one) or {}
    found = {name: value for name, value in flat.items() if name not in OF_NO_ACCOUNT and not _is_plain(name, value)}
    if odd := [name for name in found if name not in READ]:
        raise KzError("harvest.odd_item", problem=f"dialect: {', '.join(odd)[:100]}")
    return found


def _is_plain(name: str, value: Any) -> bool:
    return value == PLAIN[name] if name in PLAIN and (value is not None or name == "quoteChar") else not value


def table(files: Iterable[Path], dialect: Mapping[str, Any], encoding: str, names: list[str]) -> Iterator[list[str]]:
    """The rows of a table in one or several parts, its header first; a later part may repeat the header.

    Without a header the columns are `names`, or `field1` and so on. KzError harvest.odd_item for what cannot be read.
    """
    header, has_header = None, dialect.get("header", True)
    for file in files:
        for place, row in enumerate(_rows(file, dialect, encoding)):
            if header is None:
                header = row if has_header else names or [f"field{number}" for number in range(1, len(row) + 1)]
                yield header
            elif has_header and place == 0 and row == header:
                continue
            else:
                yield row
                continue
            if not has_header:
                yield row
    if header is None and names:
        yield names


def _rows(file: Path, dialect: Mapping[str, Any], encoding: str) -> Iterator[list[str]]:
    sign, begins = dialect.get("commentChar"), True

    def lines() -> Iterator[str]:
        """The lines without comments: such a line within a quoted cell is no comment."""
        nonlocal begins
        for line in text:
            if not (begins and sign and line.startswith(sign)):
                begins = False
                yield line

    try:
        with file.open(encoding="utf-8-sig" if _is_utf8(file) else encoding, newline="") as text:
            for row in csv.reader(
                lines(),
                delimiter=dialect.get("delimiter", ","),
                quotechar=dialect.get("quoteChar", '"'),
                doublequote=dialect.get("doubleQuote", True),
                escapechar=dialect.get("escapeChar"),
                skipinitialspace=dialect.get("skipInitialSpace", False),
            ):
                begins = True
                if any(row) or (row and not dialect.get("skipBlankRows")):
                    yield row
    except (LookupError, TypeError, UnicodeError, csv.Error) as error:
        raise KzError("harvest.odd_item", problem=str(error)[:200]) from error


def _is_utf8(file: Path) -> bool:
    """Hardly a text in another encoding is UTF-8 by chance, and packages often name a wrong one."""
    try:
        with file.open(encoding="utf-8") as text:
            while some := text.read(1 << 20):
                if "\0" in some:
                    return False
    except UnicodeDecodeError:
        return False
    return True
