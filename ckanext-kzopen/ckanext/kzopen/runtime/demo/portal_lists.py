"""The lists of data.egov.kz in a corpus folder: passports without data, and the bodies that own them.

Three lists (central bodies, regions, quasi-state organisations) hold links: Russian title, address of the data and of the
page. They do not name the owner of a link, but follow the order of the files with the bodies' counters: the owner is
read from that order, and from the title where it names one region. Each passport says that its owner was found so.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from ckanext.kzopen.runtime.demo.inference import KAZAKH_ONLY
from ckanext.kzopen.runtime.demo.loading import Item, Outcome
from ckanext.kzopen.runtime.demo.organisations import Organisation
from slugify import slugify

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
FOLDER = Path("catalogue/portal_lists")
LISTS = {
    "cgo": ("byCGO.csv", "getstatisticsbycgogovagencies.json"),
    "mio": ("byMIO.csv", "getstatisticsbymiogovagencies.json"),
    "quasi": ("byQuasiOrg.csv", "getstatisticsbyquasiorganizations.json"),
}
DESCRIPTION = {
    "kk": "Портал тізіміндегі жазба: деректерсіз паспорт, атауы тізімде тек орысша. Иесі тізімнің ретінен анықталды. {page}",
    "ru": "Запись из списка портала: паспорт без данных. Владелец определён по порядку записей в списке. {page}",
}


@dataclass(frozen=True)
class Body:
    """An owner in the lists; `sets` is how many current data sets its counters tell."""

    organisation: Organisation
    short: str
    sets: int


@dataclass(frozen=True)
class Link:
    """One line of a list."""

    uri: str
    title: str
    data: str
    page: str


@dataclass(frozen=True)
class Lists:
    """What the lists give: the bodies with the list of each, the passports, and the links that give none, with the reason."""

    organisations: list[tuple[str, Organisation]]
    items: list[Item]
    left_out: list[Outcome]


def read_bodies(corpus: Path, level: str) -> list[Body]:
    """The bodies of one list in its order."""
    rows = json.loads((corpus / FOLDER / LISTS[level][1]).read_text(encoding="utf-8"))
    return [Body(_organisation(level, row), row["nameRu"], row["allActualDatasetsCount"]) for row in rows]


def _organisation(level: str, row: Mapping[str, Any]) -> Organisation:
    words = {"kk": row["nameKk"].strip(), "ru": row["nameRu"].strip(), "en": row["nameEn"].strip()}
    if KAZAKH_ONLY.search(words["en"]) and not KAZAKH_ONLY.search(words["kk"]):
        words["kk"], words["en"] = words["en"], words["kk"]
    if CYRILLIC.search(words["en"]) and not CYRILLIC.search(words["ru"]):
        words["ru"], words["en"] = words["en"], words["ru"]
    name = slugify(f"{level} {words['ru']}", max_length=100)
    return Organisation(name, words, {}, {"source": "data.egov.kz", "kind": level})


def read_links(corpus: Path, level: str) -> list[Link]:
    """The lines of one list; the URI is the `index` of the page's address."""
    with (corpus / FOLDER / LISTS[level][0]).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Link(r["Data Url"].rpartition("index=")[2], r["Version Name"].strip(), r["Data Link"], r["Data Url"]) for r in rows
    ]


def read_lists(corpus: Path, hints: Mapping[str, Any]) -> Lists:
    """All passports of the three lists, each URI once; repeats and links without data are told."""
    seen: set[str] = set()
    found = Lists([], [], [])
    for level in LISTS:
        links, left_out = first_ones(read_links(corpus, level), seen)
        found.left_out.extend(left_out)
        bodies = read_bodies(corpus, level)
        owners = owners_by_title(links, owners_by_order(len(links), bodies), bodies, hints["region_names"])
        found.organisations.extend((level, body.organisation) for body in bodies)
        found.items.extend(_item(link, owner, hints["categories"]) for link, owner in zip(links, owners, strict=True))
    return found


def first_ones(links: Iterable[Link], seen: set[str]) -> tuple[list[Link], list[Outcome]]:
    """The links with data whose URI was not `seen` yet (it is extended), and what became of the others."""
    first: list[Link] = []
    left_out: list[Outcome] = []
    for link in links:
        if link.uri in seen:
            left_out.append(Outcome(link.uri, "repeat", "the list names it twice"))
        elif not link.data:
            left_out.append(Outcome(link.uri, "refused", "the list gives no address of data: a service, not a data set"))
        else:
            first.append(link)
        seen.add(link.uri)
    return first, left_out


def owners_by_order(count: int, bodies: Sequence[Body]) -> list[Body]:
    """The owner of each of `count` links: the list is cut, in the bodies' order, in proportion to their counters."""
    ends = list(accumulate(body.sets for body in bodies))
    cuts = [round(count * end / ends[-1]) for end in ends]
    starts = [0, *cuts[:-1]]
    return [body for body, start, end in zip(bodies, starts, cuts, strict=True) for _ in range(end - start)]


def owners_by_title(
    links: Sequence[Link], owners: Sequence[Body], bodies: Sequence[Body], names: Mapping[str, str]
) -> list[Body]:
    """The same owners, but the region that a title names where it names one."""
    regions = {names.get(body.short) or _stem(body.short): body for body in bodies if body.organisation.facts["kind"] == "mio"}
    result = []
    for link, owner in zip(links, owners, strict=True):
        named = [body for words, body in regions.items() if words in link.title]
        result.append(named[0] if len(named) == 1 else owner)
    return result


def _stem(short: str) -> str:
    """`Акмолинская обл.` → `Акмолинск`, which all cases of the name share."""
    return re.sub("ая$", "", short.split()[0])


def category_of(title: str, categories: Mapping[str, Sequence[str]]) -> str:
    """The first category one of whose words begins a word of the title; else `governance`."""
    words = re.findall(r"\w+", title.lower())
    for category, beginnings in categories.items():
        if any(word.startswith(beginning.lower()) for word in words for beginning in beginnings):
            return category
    return "governance"


def _item(link: Link, owner: Body, categories: Mapping[str, Sequence[str]]) -> Item:
    passport = {
        "title": {"kk": link.title, "ru": link.title},
        "description": {language: text.format(page=link.page) for language, text in DESCRIPTION.items()},
        "owner": owner.organisation.name,
        "category": category_of(link.title, categories),
        "periodicity": "AS_NEEDED",
        "schema": {"fields": []},
    }
    return Item(link.uri, passport)
