"""What may not be published in a translation: a gap, a doubt, a copied original, a lost placeholder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polib
import yaml

from portal_theme.extraction import Message, ckan_strings, messages
from portal_theme.languages import CORE_CATALOGUES, DOMAIN, LANGUAGES, OUR_CATALOGUES, SAME_ALLOWED, catalogue
from portal_theme.messages import CORE, PLURALS, core_catalogue, keeps_placeholders


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one string in one language."""

    language: str
    msgid: str
    what: str

    def __str__(self) -> str:
        return f"{self.language}: {self.msgid!r}: {self.what}"


Catalogue = Mapping[str, polib.POEntry]


def findings() -> list[Finding]:
    """All that is wrong with our catalogue and with CKAN's strings that we use or translate."""
    allowed = frozenset(yaml.safe_load(SAME_ALLOWED.read_text(encoding="utf-8")) or ())
    core = ckan_strings()
    source = messages()
    ours = {msgid: m for msgid, m in source.items() if msgid not in core}
    found = [*_catalogue_findings(ours, _catalogues(DOMAIN), allowed)]
    used_of_core = {msgid: m for msgid, m in source.items() if msgid in core}
    merged = {language: {e.msgid: e for e in core_catalogue(language)} for language in LANGUAGES}
    found += _catalogue_findings(used_of_core, merged, allowed)
    found += _core_findings(allowed)
    return found


def _catalogues(domain: str) -> dict[str, Catalogue]:
    folder = OUR_CATALOGUES if domain == DOMAIN else CORE_CATALOGUES
    return {language: {e.msgid: e for e in polib.pofile(str(catalogue(folder, language, domain)))} for language in LANGUAGES}


def _core_findings(allowed: frozenset[str]) -> Iterator[Finding]:
    """Our translations of CKAN's strings: each must be whole and keep its placeholders."""
    for language, entries in _catalogues(CORE).items():
        for entry in entries.values():
            yield from entry_findings(entry, language, allowed)


def _catalogue_findings(
    wanted: Mapping[str, Message], catalogues: Mapping[str, Catalogue], allowed: frozenset[str]
) -> Iterator[Finding]:
    for msgid in wanted:
        for language in LANGUAGES:
            entry = catalogues[language].get(msgid)
            if entry is None:
                yield Finding(language, msgid, "no translation")
            else:
                yield from entry_findings(entry, language, allowed)
        yield from _likeness(msgid, catalogues, allowed)


def entry_findings(entry: polib.POEntry, language: str, allowed: frozenset[str]) -> Iterator[Finding]:
    """What is wrong with one translation by itself."""
    forms = _forms(entry, language)
    if "fuzzy" in entry.flags:
        yield Finding(language, entry.msgid, "fuzzy")
    if not all(forms):
        yield Finding(language, entry.msgid, "no translation")
        return
    if entry.msgid not in allowed and entry.msgid in forms:
        yield Finding(language, entry.msgid, "same as the English")
    if not keeps_placeholders(entry):
        yield Finding(language, entry.msgid, "placeholders differ from the English")


def _likeness(msgid: str, catalogues: Mapping[str, Catalogue], allowed: frozenset[str]) -> Iterator[Finding]:
    kk, ru = (catalogues[language].get(msgid) for language in LANGUAGES)
    if kk and ru and msgid not in allowed and set(_forms(kk, "kk")) & set(_forms(ru, "ru")) - {""}:
        yield Finding("kk", msgid, "same as the Russian")


def _forms(entry: polib.POEntry, language: str) -> list[str]:
    """The translation, or all its plural forms; an absent form is an empty string."""
    if not entry.msgid_plural:
        return [entry.msgstr]
    wanted = int(PLURALS[language].split(";")[0].split("=")[1])
    return [entry.msgstr_plural.get(n, "") for n in range(wanted)]
