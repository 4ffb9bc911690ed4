"""Loads a folder of real material: its tables as data sets with rows, its portal lists as passports without rows.

The folder has a `SOURCES.md` that says under which licence each file is. Files under licences that bind (GPL, LGPL, AGPL,
CC BY-SA) are for tests and are never shown; words of people are shown only under a licence that allows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from ckanext.kzopen.runtime.agencies import importing
from ckanext.kzopen.runtime.agencies.importing import Row
from ckanext.kzopen.runtime.demo.api import Api
from ckanext.kzopen.runtime.demo.corpus_agencies import Agencies, agencies_of
from ckanext.kzopen.runtime.demo.inference import NotATable, schema_of
from ckanext.kzopen.runtime.demo.loading import Advance, File, Item, Outcome, Summary, bring_all, nobody
from ckanext.kzopen.runtime.demo.portal_lists import Lists, read_lists
from ckanext.kzopen.runtime.demo.preparing import prepared

HINTS = Path(__file__).with_name("corpus.yaml")
SOURCES = "SOURCES.md"
PATTERNS = ("budgets/*.csv", "catalogue/datasets/*", "performance/*.csv", "performance/*.json", "appeals/*.csv")
BINDING = re.compile(r"GPL|CC[ -]BY-SA", re.IGNORECASE)
FREE = re.compile(r"\b(MIT|PDDL|CC0)", re.IGNORECASE)
DESCRIPTION = {
    "kk": "Нақты материалдар жинағындағы «{file}» файлы. Шығу тегі: {origin}. Лицензиясы: {licence}.",
    "ru": "Файл «{file}» из собрания настоящих материалов. Происхождение: {origin}. Лицензия: {licence}.",
}


class NotACorpus(Exception):
    """The folder is not a corpus: it has no SOURCES.md or no lists of agencies."""


@dataclass(frozen=True)
class Source:
    """A line of SOURCES.md."""

    origin: str
    licence: str


@dataclass(frozen=True)
class Corpus:
    """A folder with what is said about its files."""

    folder: Path
    sources: Mapping[str, Source]
    hints: Mapping[str, Any]
    lists: Lists
    agencies: Agencies

    @property
    def files(self) -> list[str]:
        """Files that may be tables, relative to the folder."""
        found = {path for pattern in PATTERNS for path in self.folder.glob(pattern) if path.is_file()}
        return sorted(str(path.relative_to(self.folder)) for path in found)

    @property
    def total(self) -> int:
        """How many things there are to tell of."""
        passports = len(self.files) + len(self.lists.items) + len(self.lists.left_out)
        return passports + len(self.agencies.rows) + len(self.agencies.left_out)


def open_corpus(folder: Path) -> Corpus:
    """Read what the folder says of itself; raises NotACorpus."""
    hints = yaml.safe_load(HINTS.read_text(encoding="utf-8"))
    try:
        sources, lists = read_sources(folder / SOURCES), read_lists(folder, hints)
        agencies = agencies_of(folder, lists.organisations, hints["territories"])
        return Corpus(folder, sources, hints, lists, agencies)
    except FileNotFoundError as error:
        raise NotACorpus(f"{folder} is not a corpus of real material: {error.filename} is missing") from error


def read_sources(path: Path) -> dict[str, Source]:
    """The lines of SOURCES.md by file."""
    rows = (line.strip().strip("|").split(" | ") for line in path.read_text(encoding="utf-8").splitlines())
    return {row[0].strip(): Source(row[3].strip(), row[4].strip()) for row in rows if len(row) == 6 and "/" in row[0]}


def load_corpus(base_url: str, token: str, corpus: Corpus, advance: Advance = nobody) -> Summary:
    """Bring all tables and passports; `advance` is told of each. Doing it again, or after a stop, goes on.

    Raises Refused when the portal does not answer or refuses an organisation.
    """
    left_out: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        left_out.append(outcome)
        advance(outcome)

    with Api(base_url, token) as api:
        for outcome in (*corpus.agencies.left_out, *corpus.lists.left_out):
            tell(outcome)
        agencies = bring_agencies(api, corpus.agencies, advance)
        tables = bring_all(api, table_items(corpus, tell), advance)
        passports = bring_all(api, corpus.lists.items, advance)
    return Summary([*agencies, *tables.outcomes, *passports.outcomes, *left_out])


def bring_agencies(api: Api, agencies: Agencies, advance: Advance) -> list[Outcome]:
    """Import the agencies as `./kzopen agency import` does: what became of each."""
    outcomes: list[Outcome] = []

    def tell(step: Row) -> None:
        if step["error"]:
            outcome = Outcome(step["address"], "refused", step["error"]["sentence"])
        else:
            outcome = Outcome(step["address"], "loaded" if step["does"] else "unchanged")
        outcomes.append(outcome)
        advance(outcome)

    importing.carry_out(api, agencies.rows, importing.preview(api, agencies.rows), tell)
    return outcomes


def table_items(corpus: Corpus, tell: Advance) -> Iterator[Item]:
    """The files that are tables and may be shown, with their passports; `tell` hears why the others are not."""
    owners = {organisation.title["ru"]: organisation.name for _level, organisation in corpus.lists.organisations}
    for name in corpus.files:
        source = corpus.sources.get(name)
        hint = corpus.hints["tables"].get(name)
        try:
            if source is None or (reason := not_to_be_shown(name, source)):
                raise NotATable(reason if source else "SOURCES.md does not say where it is from")
            file, schema = _read(corpus.folder / name, hint or {})
            if hint is None:
                raise NotATable("corpus.yaml has no passport for it")
        except NotATable as error:
            tell(Outcome(name, "refused", str(error)))
            continue
        yield Item(hint["uri"], _passport(name, hint, source, owners[hint["owner"]], schema), file)


def _read(path: Path, hint: Mapping[str, Any]) -> tuple[File, dict[str, Any]]:
    """The table, put in order where the hint says how, and its schema; raises NotATable."""
    if "prepare" not in hint:
        return File(path.name, path.read_bytes()), schema_of(path)
    with TemporaryDirectory() as folder:
        clean = Path(folder, path.with_suffix(".csv").name)
        clean.write_bytes(prepared(path, hint["prepare"]))
        return File(clean.name, clean.read_bytes()), schema_of(clean)


def not_to_be_shown(name: str, source: Source) -> str:
    """Why a file must not be shown to the public; "" when it may be."""
    if BINDING.search(source.licence):
        return f"for tests only: {source.licence}"
    if name.startswith("appeals/") and not FREE.search(source.licence):
        return f"words of people, and no licence that allows showing them: {source.licence}"
    return ""


def _passport(file: str, hint: Mapping[str, str], source: Source, owner: str, schema: dict[str, Any]) -> dict[str, Any]:
    told = {"file": Path(file).name, "origin": source.origin, "licence": source.licence}
    return {
        "title": {"kk": hint["kk"], "ru": hint["ru"]},
        "description": {language: text.format(**told) for language, text in DESCRIPTION.items()},
        "owner": owner,
        "category": hint["category"],
        "periodicity": hint["periodicity"],
        "schema": schema,
    }
