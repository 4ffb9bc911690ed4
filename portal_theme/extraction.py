"""The strings of ours that people read, taken from the source with CKAN's own extractor for templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib
from babel.messages.extract import extract_from_dir

from portal_theme.languages import CHECKOUT, DOMAIN, LANGUAGES, OUR_CATALOGUES, TEMPLATE, catalogue
from portal_theme.messages import CORE, catalogue_of, ckan_catalogues

SOURCES = (CHECKOUT / "ckanext-kzopen" / "ckanext" / "kzopen", CHECKOUT / "portal_theme")
METHODS = [
    ("**/migration/**.py", "ignore"),
    ("**.py", "python"),
    ("**/templates/**.html", "ckan"),
    ("**/assets/**.js", "javascript"),
]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ugettext": None, "ngettext": (1, 2), "ungettext": (1, 2)}


@dataclass
class Message:
    """A string in the source: singular, plural when it has one, and the files where it stands."""

    msgid: str
    plural: str | None = None
    files: set[str] = field(default_factory=set)


def messages() -> dict[str, Message]:
    """All strings in our source, by msgid: those of CKAN that our templates repeat among them."""
    found: dict[str, Message] = {}
    for file, text in _extracted():
        singular, plural = (text, None) if isinstance(text, str) else (text[0], text[1])
        message = found.setdefault(singular, Message(singular))
        message.plural = message.plural or plural
        message.files.add(file)
    return found


def ckan_strings() -> set[str]:
    """What CKAN itself says; such strings are translated once, in `core_i18n`, wherever they are used."""
    return {entry.msgid for entry in polib.pofile(str(ckan_catalogues() / f"{CORE}.pot"))}


def our_messages() -> dict[str, Message]:
    """The strings that CKAN does not have, so that our own catalogue must."""
    core = ckan_strings()
    return {msgid: message for msgid, message in messages().items() if msgid not in core}


def update_catalogues() -> int:
    """Write the .pot and both .po files; translations of strings that stayed are kept, others go. Returns how many."""
    wanted = our_messages()
    _save(catalogue_of("en", (_entry(m) for m in wanted.values())), TEMPLATE)
    for language in LANGUAGES:
        path = catalogue(OUR_CATALOGUES, language, DOMAIN)
        known = {e.msgid: e for e in polib.pofile(str(path))} if path.exists() else {}
        _save(catalogue_of(language, (_entry(m, known.get(m.msgid)) for m in wanted.values())), path)
    return len(wanted)


def _extracted() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for source in SOURCES:
        options = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
        rows = extract_from_dir(str(source), METHODS, options, keywords=KEYWORDS, comment_tags=())
        for name, _line, text, _comments, _context in rows:
            if text:
                yield str((source / name).relative_to(CHECKOUT)), text


def _entry(message: Message, known: polib.POEntry | None = None) -> polib.POEntry:
    entry = polib.POEntry(msgid=message.msgid, occurrences=[(file, "") for file in sorted(message.files)])
    if known is not None:
        entry.flags = list(known.flags)
    if message.plural:
        entry.msgid_plural = message.plural
        entry.msgstr_plural = dict(known.msgstr_plural) if known and known.msgstr_plural else {0: "", 1: ""}
    elif known is not None:
        entry.msgstr = known.msgstr
    return entry


def _save(entries: polib.POFile, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries.save(str(path))
