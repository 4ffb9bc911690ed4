"""Names of fields from the labels that people write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 60
KAZAKH = frozenset("әғқңөұүіһ")
RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
LATIN = "a,b,v,g,d,e,e,zh,z,i,y,k,l,m,n,o,p,r,s,t,u,f,kh,ts,ch,sh,shch,,y,,e,yu,ya"
LETTERS = dict(zip(RUSSIAN, LATIN.split(","), strict=True)) | {
    **{"ә": "a", "ғ": "g", "қ": "q", "ң": "n", "ө": "o", "ұ": "u", "ү": "u", "і": "i", "һ": "h"},
    "№": "no",
}


def language_of(label: str, header: str) -> str:
    """The likely language of a label: en without Cyrillic letters; else kk when the header has a Kazakh one, else ru."""
    if not re.search("[а-яёәғқңөұүіһ]", label.casefold()):
        return "en"
    return "kk" if any(letter in KAZAKH for letter in header.casefold()) else "ru"


def distinct(labels: Iterable[str]) -> list[str]:
    """The labels, of which a repeated one gets a number: «Атауы», «Атауы (2)»; a missing one stays so."""
    given = list(labels)
    told: list[str] = []
    for label in given:
        wanted, number = label, 2
        while label and (wanted in told or (wanted != label and wanted in given)):
            wanted, number = f"{label} ({number})", number + 1
        told.append(wanted)
    return told


def field_name(label: str, position: int) -> str:
    """A label in Latin letters, digits and underscores; `column_N` when nothing is left of it."""
    low = unicodedata.normalize("NFC", label).casefold()
    latin = "".join(LETTERS.get(letter, letter) for letter in low)
    plain = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST].strip("_")
    if not words:
        return f"column_{position}"
    return words if words[0].isalpha() else f"c_{words}"


def field_names(labels: Iterable[str]) -> list[str]:
    """Names of all columns; a repeated one gets a number."""
    names: list[str] = []
    for position, label in enumerate(labels, start=1):
        name = wanted = field_name(label, position)
        number = 2
        while name in names:
            name = f"{wanted}_{number}"
            number += 1
        names.append(name)
    return names
