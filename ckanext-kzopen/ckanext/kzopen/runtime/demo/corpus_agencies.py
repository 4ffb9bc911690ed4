"""The agencies of a corpus folder as rows for `agency_import`: bodies of the portal's lists, districts of the register's list.

The lists tell no parents but those of districts. They name many bodies in Russian only, and repeat it as the Kazakh and the
English name; such repeats are left out. The register's codes are its own, not KATO, and are kept as the extra `code`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckanext.kzopen.runtime.agencies.importing import Row
from ckanext.kzopen.runtime.demo.loading import Outcome
from ckanext.kzopen.runtime.demo.organisations import Organisation
from slugify import slugify

TERRITORIES = Path("catalogue/gosreestr_references/КАТО.json")
MINISTRY = re.compile(r"М[А-Я]+ РК")
COMPANY = re.compile(r"\b(АО|НАО|ТОО|ЖШС|АҚ|КЕАҚ|JSC|LLP)\b")
OUTDATED = re.compile("устаревш", re.IGNORECASE)
TOWN = re.compile(r"\bг\. ?а\.$")


@dataclass(frozen=True)
class Agencies:
    """Rows to import, and what the lists hold that gives none, with the reason."""

    rows: list[Row]
    left_out: list[Outcome]


def agencies_of(folder: Path, bodies: Iterable[tuple[str, Organisation]], names: Mapping[str, str]) -> Agencies:
    """All agencies of the folder: `bodies` with the list (`cgo`, `mio`, `quasi`) that names them, and the districts below.

    `names` says which body a territory belongs to where the two lists call it differently.
    """
    found = Agencies([], [])
    regions: dict[str, str] = {}
    seen: set[str] = set()
    for level, body in bodies:
        if body.name in seen:
            found.left_out.append(Outcome(body.title["ru"], "repeat", "the list of agencies names it twice"))
            continue
        seen.add(body.name)
        found.rows.append(_row(len(found.rows) + 1, body.name, body.title, kind_of(level, body.title["ru"]), None, body.facts))
        if level == "mio":
            regions[body.title["ru"]] = body.name
    _add_districts(found, folder / TERRITORIES, regions, names, seen)
    return found


def _add_districts(found: Agencies, path: Path, regions: Mapping[str, str], names: Mapping[str, str], seen: set[str]) -> None:
    if not path.exists():
        return
    for region in (region for country in json.loads(path.read_text(encoding="utf-8")) for region in country["Items"]):
        above = region_of(region["Text"], regions, names)
        if above is None:
            found.left_out.append(Outcome(region["Text"], "refused", "no agency of the list stands for this region"))
            continue
        for district in region["Items"]:
            if OUTDATED.search(district["Text"]):
                found.left_out.append(Outcome(district["Text"], "refused", "the register says that it is out of date"))
                continue
            name = slugify(f"{above} {district['Text']}", max_length=100)
            if name in seen:
                found.left_out.append(
                    Outcome(f"{region['Text']}: {district['Text']}", "repeat", "the register names it twice")
                )
                continue
            seen.add(name)
            facts = {"source": "gosreestr", "code": district["Value"]}
            kind = "city" if TOWN.search(district["Text"].strip()) else "district"
            found.rows.append(_row(len(found.rows) + 1, name, {"ru": district["Text"]}, kind, above, facts))


def region_of(territory: str, regions: Mapping[str, str], names: Mapping[str, str]) -> str | None:
    """The address of the agency of a region, by the name in `names`, else by the first word that both lists share."""
    if territory in names:
        return regions.get(names[territory])
    first = territory.split()[0]
    return next((address for title, address in regions.items() if title.split()[0] == first), None)


def kind_of(level: str, name: str) -> str:
    """The kind, as far as the list and the name tell it."""
    if level == "cgo":
        return "ministry" if MINISTRY.fullmatch(name) else "other"
    if level == "mio":
        return "region"
    return "company" if COMPANY.search(name) else "subordinate"


def _row(number: int, address: str, title: Mapping[str, str], kind: str, parent: str | None, facts: Mapping[str, Any]) -> Row:
    extras = {key: str(value) for key, value in facts.items() if key != "kind"}
    row: Row = {"row": number, "address": address, "title": without_repeats(title), "kind": kind, "extras": extras}
    return row | ({"parent": parent} if parent else {})


def without_repeats(title: Mapping[str, str]) -> dict[str, str]:
    """The names without those that only repeat the Russian one."""
    return {language: text for language, text in title.items() if text and (language == "ru" or text != title.get("ru"))}
