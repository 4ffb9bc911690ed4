"""What `bench relevance` searches: titles of the portal's lists, bodies, draft acts and acts by article, budget programmes.

All of it is read from `../shared/corpus`; a document is named by where it stands there, so that labels stay valid.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckanext.kzopen.runtime.demo.portal_lists import LISTS, read_bodies, read_links

CORPUS = Path(__file__).resolve().parents[2] / "shared/corpus"
SITE = "bench"
_LONGEST_NOTES = 600
_TAGS = re.compile(r"<[^>]+>")
_SPACES = re.compile(r"\s+")
_HEADINGS = {
    "law_2018_council_security_kk.txt": r"^### (\d+-бап\..*)$",
    "law_2018_council_security_ru.txt": r"^### (Статья \d+.*)$",
    "law_2020_grain_amendment_kk.txt": r"^(\d+-бап\..{0,150})",
    "law_2020_grain_amendment_ru.txt": r"^(Статья \d+.{0,150})",
    "order_2016_service_id_rules_kk.txt": r"^(\d+\. .{0,150})",
    "order_2016_service_id_rules_ru.txt": r"^(\d+\. .{0,150})",
    "constitution_1995_en.txt": r"^(Article \d+)\s*$",
    "code_2007_ecological_ru.txt": r"^(Статья \d+(?:-\d+)?\. .{3,200})$",
}
_BUDGETS = (
    "Республиканский бюджет",
    "РБ_приоритетные_инвестиции",
    "РБ_ведомств_классификация",
    "РБ_экон_классификация",
    "местный_бюджет_г_Алматы",
    "местный_бюджет_г_Астана",
    "местный_бюджет_г_Шымкент",
    "Местный_ведомств_классификация",
)


@dataclass(frozen=True)
class Text:
    """One thing to be found; `titles` by language, the first is the one that CKAN would hold in `title`."""

    id: str
    name: str
    titles: Mapping[str, str]
    notes: str = ""
    extras: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What a judge reads."""
        titles = " | ".join(dict.fromkeys(title for title in self.titles.values() if title))
        more = " ".join(f"{key}={value}" for key, value in self.extras.items())
        return _SPACES.sub(" ", f"{titles} {more} — {self.notes[:160]}".strip(" —"))

    def as_ckan_sends_it(self) -> dict[str, Any]:
        """The document that CKAN's index class would send to Solr, for stock CKAN and for us alike."""
        key = hashlib.md5(f"{self.id}{SITE}".encode(), usedforsecurity=False).hexdigest()
        translated = json.dumps(self.titles, ensure_ascii=False)
        extras = {"title_translated": translated} if len(self.titles) > 1 else {}
        return {
            "index_id": key,
            "id": self.id,
            "site_id": SITE,
            "name": self.name,
            "title": next(iter(self.titles.values())),
            "title_string": next(iter(self.titles.values())),
            "notes": self.notes,
            "entity_type": "package",
            "dataset_type": "dataset",
            "state": "active",
            "capacity": "public",
            "permission_labels": ["public"],
            **{f"extras_{name}": value for name, value in {**extras, **self.extras}.items()},
        }


def read(corpus: Path = CORPUS) -> list[Text]:
    """All documents in a fixed order, each id once."""
    sources: tuple[Callable[[Path], Iterator[Text]], ...] = (_links, _bodies, _seed, _cards, _articles, _programmes, _notices)
    found = {text.id: text for source in sources for text in source(corpus)}
    return list(found.values())


def _links(corpus: Path) -> Iterator[Text]:
    for level in LISTS:
        for link in read_links(corpus, level):
            if link.title:
                yield Text(f"list:{link.uri}", link.uri, {"ru": link.title})


def _bodies(corpus: Path) -> Iterator[Text]:
    for level in LISTS:
        rows = json.loads((corpus / "catalogue/portal_lists" / LISTS[level][1]).read_text(encoding="utf-8"))
        for row, body in zip(rows, read_bodies(corpus, level), strict=True):
            words = body.organisation.title
            titles = {language: words[language] for language in ("ru", "kk", "en") if words[language]}
            yield Text(f"body:{row['govAgency']}", body.organisation.name, titles)


def _seed(corpus: Path) -> Iterator[Text]:
    for row in _rows(corpus / "catalogue/portal_lists/seed_2026.csv", ","):
        yield Text(f"list:{row['apiUri']}", row["apiUri"], {"ru": row["title"]})


def _cards(corpus: Path) -> Iterator[Text]:
    for line in (corpus / "regulations/cards.jsonl").read_text(encoding="utf-8").splitlines():
        card = json.loads(line)
        titles = {language: card[f"title_{language}"] for language in ("ru", "kk") if card[f"title_{language}"]}
        extras = {"agency": card["government_ru"], "kind": card["type"] or ""}
        yield Text(f"draft:{card['id']}", f"draft-{card['id']}", titles, _page(corpus, card["id"]), extras)


def _page(corpus: Path, number: int) -> str:
    """The beginning of the draft's text in Russian and Kazakh, where the corpus has its page."""
    pages = sorted((corpus / "regulations").glob(f"*{number}*.html"), reverse=True)
    return " ".join(_plain(page.read_text(encoding="utf-8"))[:_LONGEST_NOTES] for page in pages)


def _plain(text: str) -> str:
    return _SPACES.sub(" ", html.unescape(_TAGS.sub(" ", text))).strip()


def _articles(corpus: Path) -> Iterator[Text]:
    for name, heading in _HEADINGS.items():
        text = (corpus / "regulations" / name).read_text(encoding="utf-8")
        law = _plain(text.lstrip("# ").split("\n", 1)[0])
        starts = list(re.finditer(heading, text, re.MULTILINE))
        ends = [match.start() for match in starts[1:]] + [len(text)]
        language = name.removesuffix(".txt")[-2:]
        for number, (match, end) in enumerate(zip(starts, ends, strict=True)):
            body = _plain(text[match.end() : end])[:_LONGEST_NOTES]
            if body:
                title = f"{match[1].strip()} — {law}"
                yield Text(f"act:{name}#{number}", f"{name.removesuffix('.txt')}-{number}", {language: title}, body)


def _programmes(corpus: Path) -> Iterator[Text]:
    for name in _BUDGETS:
        for row in _rows(corpus / f"budgets/{name}.csv", ";"):
            title = _SPACES.sub(" ", row["name"]).strip()
            code = (row["code"] or "").removesuffix(".0")
            mark = hashlib.sha1(f"{code} {title.lower()}".encode(), usedforsecurity=False).hexdigest()[:10]
            if len(title) > 3:
                yield Text(f"budget:{mark}", f"budget-{mark}", {"ru": title}, "", {"code": code} if code else {})


def _notices(corpus: Path) -> Iterator[Text]:
    """Procurement notices, whose titles are Russian and Kazakh in one cell; equal titles once."""
    seen: set[str] = set()
    for row in _rows(corpus / "catalogue/datasets/fms_procurement_notices.csv", ","):
        lines = [line.strip() for line in row["Название объявления"].splitlines() if line.strip()]
        title = _SPACES.sub(" ", " / ".join(lines))
        if title and title not in seen:
            seen.add(title)
            yield Text(f"notice:{row['№']}", f"notice-{row['№']}", {"ru": title}, "", {"number": row["№"]})


def _rows(path: Path, delimiter: str) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)
