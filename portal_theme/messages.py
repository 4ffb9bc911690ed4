"""Catalogues of the interface: compiled for a portal, extracted from the source, checked.

python -m portal_theme.messages extract          the .pot and .po files follow the source
python -m portal_theme.messages check            exit 1 and the findings when a translation is missing or doubtful
python -m portal_theme.messages compile DIR      what the launcher does at set-up
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import click
import polib

from portal_theme.languages import CORE_CATALOGUES, DOMAIN, LANGUAGES, OUR_CATALOGUES, OURS, TEMPLATE, catalogue

CORE = "ckan"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sdi]|\{\w*\}|</?\w+")
PLURALS = {
    "kk": "nplurals=2; plural=(n != 1);",
    "en": "nplurals=2; plural=(n != 1);",
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
}


def compile_catalogues(target: Path) -> None:
    """Build what `ckan.i18n_directory = target` needs: CKAN's strings and ours in kk, ru and en.

    CKAN's own catalogue of a language, where it has one, is read from the installed package; `core_i18n` goes over it.
    Files whose content did not change are left alone, so CKAN rebuilds its JavaScript catalogues only when it must.
    """
    for language in (*LANGUAGES, "en"):
        _write(target, language, CORE, core_catalogue(language))
    for language in LANGUAGES:
        _write(target / OURS, language, DOMAIN, polib.pofile(str(catalogue(OUR_CATALOGUES, language, DOMAIN))))
    _copy(ckan_catalogues() / f"{CORE}.pot", target / f"{CORE}.pot")
    _copy(TEMPLATE, target / OURS / TEMPLATE.name)


def core_catalogue(language: str) -> polib.POFile:
    """CKAN's strings in one language: those that CKAN ships, with `core_i18n` over them.

    Fuzzy translations do not count, nor those that lost a placeholder: a page that uses one would fail.
    """
    merged: dict[tuple[str, str | None], polib.POEntry] = {}
    for folder in (ckan_catalogues(), CORE_CATALOGUES):
        path = catalogue(folder, language, CORE)
        entries: Iterable[polib.POEntry] = polib.pofile(str(path)) if path.exists() else ()
        merged.update({(e.msgid, e.msgctxt): e for e in entries if e.translated() and keeps_placeholders(e)})
    return catalogue_of(language, merged.values())


def placeholders(text: str) -> frozenset[str]:
    """The places of a text that are filled in, and the tags in it."""
    return frozenset(PLACEHOLDER.findall(text))


def keeps_placeholders(entry: polib.POEntry) -> bool:
    """Whether each form of a translation has the placeholders of the singular or of the plural, and no others."""
    wanted = {placeholders(text) for text in (entry.msgid, entry.msgid_plural) if text}
    forms = list(entry.msgstr_plural.values()) if entry.msgstr_plural else [entry.msgstr]
    return all(placeholders(form) in wanted for form in forms)


def catalogue_of(language: str, entries: Iterable[polib.POEntry]) -> polib.POFile:
    """A catalogue with the header that gettext needs; surplus plural forms of other tools' headers are dropped."""
    made = polib.POFile(wrapwidth=0)
    made.metadata = {
        "Language": language,
        "Plural-Forms": PLURALS[language],
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    made.extend(sorted((_with_forms(entry, language) for entry in entries), key=lambda e: (e.msgid, e.msgctxt or "")))
    return made


def ckan_catalogues() -> Path:
    """The folder of the catalogues inside the installed CKAN, found without importing CKAN."""
    spec = importlib.util.find_spec("ckan")
    assert spec is not None  # noqa: S101 - CKAN is a locked requirement
    assert spec.origin is not None  # noqa: S101
    return Path(spec.origin).parent / "i18n"


def _with_forms(entry: polib.POEntry, language: str) -> polib.POEntry:
    wanted = int(PLURALS[language].split(";")[0].split("=")[1])
    if entry.msgstr_plural:
        entry.msgstr_plural = {n: form for n, form in entry.msgstr_plural.items() if n < wanted}
    return entry


def _write(folder: Path, language: str, domain: str, entries: polib.POFile) -> None:
    _replace(catalogue(folder, language, domain, "po"), str(entries).encode())
    _replace(catalogue(folder, language, domain, "mo"), entries.to_binary())


def _replace(path: Path, content: bytes) -> None:
    """Write whole or not at all: another process may be reading the old file."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.replace(path)


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


@click.group()
def cli() -> None:
    """Translations of the interface."""


@cli.command("compile")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
def compile_command(target: Path) -> None:
    """Build the catalogues under TARGET, for instance var/i18n."""
    compile_catalogues(target)


@cli.command("extract")
def extract_command() -> None:
    """Bring the .pot and .po files in line with the source; new strings arrive untranslated."""
    from portal_theme.extraction import update_catalogues

    click.echo(f"{update_catalogues()} strings in the source")


@cli.command("check")
def check_command() -> None:
    """Say which strings lack a translation, or have a doubtful one."""
    from portal_theme.checking import findings

    found = findings()
    for finding in found:
        click.echo(str(finding))
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    cli()
