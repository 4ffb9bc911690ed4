"""What is shown of a document that was found: its name, where it is, and the fragment that holds the words looked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.search import analysis, registry
from ckanext.kzopen.search.registry import Section
from markupsafe import Markup, escape

LONGEST = 220
"""Letters of a fragment."""
MOST_COLUMNS = 5
_WORD = re.compile(r"[^\W_]+")
_MARKDOWN = re.compile(r"[*_`#>]+|\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Sought:
    """The tokens and beginnings of words that are to be seen in a text."""

    tokens: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def __contains__(self, word: str) -> bool:
        if not (self.tokens or self.prefixes):
            return False
        lower = word.lower()
        return lower.startswith(self.prefixes) if self._begins(lower) else not self.tokens.isdisjoint(analysis.readings(lower))

    def _begins(self, word: str) -> bool:
        return bool(self.prefixes) and word.startswith(self.prefixes)


@dataclass(frozen=True)
class Hit:
    """One document as a list shows it; `title_language` and `text_language` are "" where they are the reader's own."""

    section: Section
    id: str
    key: str
    page: str
    title: Markup
    title_language: str
    text: Markup
    text_language: str
    columns: tuple[Markup, ...]
    stored: Mapping[str, Any]


def hit(stored: Mapping[str, Any], sought: Sought, language: str) -> Hit | None:
    """What is shown of a document; None when its section is not registered any more."""
    section = registry.section_of(str(stored.get("entity_type")))
    if section is None:
        return None
    titles, texts = texts_of(stored, "title"), texts_of(stored, "notes")
    title_language, title = _best(titles, language, Sought())
    text_language, text = _best(texts, language, sought)
    return Hit(
        section=section,
        id=str(stored["id"]),
        key=str(stored.get("index_id")),
        page=section.page(stored),
        title=marked(title or str(stored.get("name") or ""), sought),
        title_language=title_language,
        text=fragment(_plain(text), sought),
        text_language=text_language,
        columns=tuple(_columns(stored.get("columns") or (), sought)),
        stored=stored,
    )


def texts_of(stored: Mapping[str, Any], name: str) -> dict[str, str]:
    """A text in the languages that it has; under "" where its language is not known."""
    translated = stored.get(f"{name}_translated")
    try:
        read = json.loads(translated) if isinstance(translated, str) else translated
    except ValueError:
        read = None
    found = {str(code): str(text) for code, text in read.items() if text} if isinstance(read, Mapping) else {}
    return found or ({"": str(stored[name])} if stored.get(name) else {})


def _best(texts: Mapping[str, str], language: str, sought: Sought) -> tuple[str, str]:
    """The text in the reader's language; in another one when only that holds what was looked for, or when there is none."""
    order = sorted(texts, key=lambda code: (code != language, LANGUAGES.index(code) if code in LANGUAGES else 9))
    if not order:
        return "", ""
    holding = [code for code in order if _holds(texts[code], sought)]
    chosen = (holding or order)[0]
    return ("" if chosen == language else chosen), texts[chosen]


def _holds(text: str, sought: Sought) -> bool:
    return any(word in sought for word in _WORD.findall(text))


def _plain(text: str) -> str:
    """Without signs of Markdown and line breaks."""
    return " ".join(_MARKDOWN.sub(lambda match: match[1] or "", text).split())


def marked(text: str, sought: Sought) -> Markup:
    """The text with `<mark>` around the words that were looked for; neighbours share one mark."""
    found, at = [Markup("")], 0
    for start, end in _runs(text, sought):
        found += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*found, escape(text[at:])])


def _runs(text: str, sought: Sought) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        if match[0] not in sought:
            continue
        if runs and text[runs[-1][1] : match.start()].isspace():
            runs[-1] = (runs[-1][0], match.end())
        else:
            runs.append(match.span())
    return runs


def fragment(text: str, sought: Sought) -> Markup:
    """At most 220 letters around the first word that was looked for, whole words; the beginning where there is none."""
    if len(text) <= LONGEST:
        return marked(text, sought)
    runs = _runs(text, sought)
    start = max(0, runs[0][0] - LONGEST // 3) if runs else 0
    if start:
        start = text.find(" ", start) + 1
    end = text.rfind(" ", start, start + LONGEST)
    end = end if end > start else start + LONGEST
    before, after = ("… " if start else ""), (" …" if end < len(text) else "")
    return Markup("{}{}{}").format(before, marked(text[start:end], sought), after)


def _columns(columns: Iterable[str], sought: Sought) -> list[Markup]:
    """The columns whose name or label holds a word that was looked for."""
    return [marked(column, sought) for column in columns if _holds(column, sought)][:MOST_COLUMNS]
