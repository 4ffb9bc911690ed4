"""A text file whose encoding nobody can tell for sure: what it would be in the likely ones, for a person to choose.

`encodings.detect` refuses where its judgement is not clear. Whoever knows the words of the file sees at once which reading is
right; the choice is remembered by the encoding's name, and used only where the judgement fails again.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from pathlib import Path

from ckanext.kzopen.validation.cells import Limits, Unreadable
from ckanext.kzopen.validation.encodings import around_high_bytes, score
from ckanext.kzopen.validation.formats import unpacked
from ckanext.kzopen.validation.repairs.model import EXAMPLES, Key, Repair

KIND = "encoding"
POSSIBLE = ("windows-1251", "kz-1048", "ibm866", "windows-1252")
OFFERED = 3
CONTROL = re.compile(r"[\x80-\x9f\ufffd]")


def _named(accepted: Collection[Key]) -> str | None:
    return min((field for kind, field in accepted if kind == KIND and field in POSSIBLE), default=None)


def chosen(accepted: Collection[Key]) -> str | None:
    """The encoding that a person chose for files like this, as Python names it."""
    name = _named(accepted)
    return codecs.lookup(name).name if name else None


def used(read_in: str | None, accepted: Collection[Key]) -> list[str]:
    """The chosen encoding by its own name, where a file was read in it."""
    name = _named(accepted)
    return [name] if name and read_in == codecs.lookup(name).name else []


def readings(path: Path, refusal: Unreadable, limits: Limits | None = None) -> list[Repair]:
    """The readings to choose from when `refusal` says that the encoding is unknown, the likeliest first."""
    if (refusal.code, refusal.reason) != ("encoding-error", "unknown"):
        return []
    with unpacked(path, limits or Limits()) as (file, _kind, _member):
        raw = around_high_bytes(file)
    words = [word for word in dict.fromkeys(raw.split(b" ")) if word][:EXAMPLES]
    found: dict[str, Repair] = {}
    for name in sorted(POSSIBLE, key=lambda name: -score(raw, name)):
        text = raw.decode(name, errors="replace")
        if not CONTROL.search(text):
            examples = [(word.decode("utf-8", errors="replace"), word.decode(name)) for word in words]
            found.setdefault(text, Repair(KIND, field=name, count=len(raw.split(b" ")), examples=examples))
    return list(found.values())[:OFFERED]
