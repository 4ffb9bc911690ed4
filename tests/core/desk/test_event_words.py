"""Whatever is written into the event log has words in three languages there."""

from __future__ import annotations

import re
from pathlib import Path

from ckanext.kzopen.core import states
from ckanext.kzopen.core.desk import event_words

from tests.conftest import ROOT

SOURCES = ROOT / "ckanext-kzopen" / "ckanext" / "kzopen"
WRITTEN = re.compile(r"""\bverb\s*=\s*"(\w+)"|\b_write\([^()]*,\s*"(\w+)",""")


def verbs(source: Path) -> set[str]:
    return {first or second for first, second in WRITTEN.findall(source.read_text(encoding="utf-8"))}


def test_every_verb_has_words() -> None:
    found = {verb: str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.py") for verb in verbs(path)}
    of_machines = {verb for kind in states.kinds() for verb in states.machine_of(kind).transitions}
    assert {"connect_provider", "sign_in_failed", "set_by_operator"} <= found.keys(), "what is written is not found any more"
    assert {verb: place for verb, place in found.items() if verb not in event_words.VERBS.keys() | of_machines} == {}
