"""Repairs of the cells of one column: which of its texts they might change, and what they make of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial

import polars as pl
from ckanext.kzopen.validation.distinct import AT_ONCE, KNOWN, are_in, distinct, each, strips
from ckanext.kzopen.validation.infer import NUMBER
from ckanext.kzopen.validation.repairs.kinds import KINDS, Change
from ckanext.kzopen.validation.repairs.model import EXAMPLES, OF_COLUMNS, Repair
from ckanext.kzopen.validation.repairs.wants import Want
from ckanext.kzopen.validation.repairs.words import BLANK
from ckanext.kzopen.validation.short import holds, is_short

AROUND = rf"^[{BLANK}]|[{BLANK}]$"
MIXED = r"[A-Za-z][\u0400-\u04FF]|[\u0400-\u04FF][A-Za-z]"


@dataclass(frozen=True)
class _Looked:
    """Texts that some repair might change (`distinct.distinct`): as they stand, how many `times`, and as the repairs so far
    leave them (`now`); `wrong` are those that a schema does not take, None where no schema says."""

    texts: pl.Series
    times: pl.Series
    now: pl.Series
    wrong: pl.Series | None

    def after(self, kind: str, want: Want) -> _Looked | None:
        """The texts after a kind of repair; None when it changes nothing. Where a schema says what is wrong, what is right
        already is left alone; letters and blanks are looked at everywhere."""
        if not len(self.texts):
            return None
        everywhere = self.wrong is None or kind in ("spaces", "letters")
        places = None if everywhere else self._open()
        seen = self.now if places is None else self.now.gather(places)
        change = KINDS[kind](lambda: each(seen), want)
        new = _changed(seen, change) if change else None
        if new is None:
            return None
        return replace(self, now=new if places is None else self.now.clone().scatter(places, new))

    def _open(self) -> pl.Series | None:
        """The indexes of the texts that are wrong, or were; None when all are."""
        found = self.wrong | (self.now != self.texts)
        return None if found.all() else found.arg_true()


def _changed(texts: pl.Series, change: Change) -> pl.Series | None:
    """The texts after the change; None when it changes nothing."""
    old = [texts.slice(start, AT_ONCE) for start in range(0, len(texts), AT_ONCE)]
    new = [_part_changed(part, change) for part in old]
    if all(after is None for after in new):
        return None
    return pl.concat([before if after is None else after for before, after in zip(old, new, strict=True)])


def _part_changed(part: pl.Series, change: Change) -> pl.Series | None:
    texts = part.to_list()
    changed = [change(text) for text in texts]
    return None if changed == texts else pl.Series(changed, dtype=pl.String)


def repairs_of(texts: pl.Series, want: Want, name: str, position: int) -> list[Repair]:
    """What could be mended in a column; each kind sees the texts as the kinds before it would leave them."""
    looked = _looked(texts, want)
    found = []
    for kind in OF_COLUMNS:
        if after := looked.after(kind, want):
            touched = (after.now != looked.now).arg_true()
            count = int(looked.times.gather(touched).sum())
            found.append(Repair(kind, name, position, count, _examples(looked.texts, after.now, touched)))
            looked = after
    return found


def _examples(texts: pl.Series, now: pl.Series, touched: pl.Series) -> list[tuple[str, str]]:
    """The first changed texts, each once, with what becomes of them."""
    found: dict[str, str] = {}
    for index in touched:
        found.setdefault(texts[index], now[index])
        if len(found) == EXAMPLES:
            break
    return [(text[:80], new[:80]) for text, new in found.items()]


def mended(texts: pl.Series, want: Want, kinds: Collection[str]) -> pl.Series:
    """The column with these kinds of repairs made."""
    looked = _looked(texts, want)
    for kind in OF_COLUMNS:
        if kind in kinds:
            looked = looked.after(kind, want) or looked
    changed = pl.DataFrame({"text": looked.texts, "now": looked.now}).filter(pl.col("text") != pl.col("now")).unique("text")
    return texts.replace(changed["text"], changed["now"]) if len(changed) else texts


def _looked(texts: pl.Series, want: Want) -> _Looked:
    found = _worth_a_look(texts, want)
    seen = found["text"]
    return _Looked(seen, found["times"], seen, None if want.wrong is None else are_in(seen, want.wrong))


def _worth_a_look(texts: pl.Series, want: Want) -> pl.DataFrame:
    """The texts that some repair might change, found by patterns first: a column may have millions of them."""
    if is_short(texts):
        times = Counter(text for text in texts.to_list() if text and text.strip(BLANK))
        few = _odd_of_few(list(times), want)
        return pl.DataFrame({"text": few, "times": [times[text] for text in few]}, schema=KNOWN)
    commas = want.kind == "number" and want.wrong is None and texts.str.contains(",", literal=True).any()
    return distinct(strips(texts), partial(_odd, want=want, commas=bool(commas)))


def _odd(values: pl.Series, *, want: Want, commas: bool) -> pl.Series:
    said = values.str.strip_chars(BLANK) != ""
    if want.wrong is None and want.kind in ("code", "whole"):
        return said & ~values.str.contains(_digits(want))
    if want.wrong is None and want.kind == "number" and not commas:
        return said & ~values.str.contains(NUMBER)
    if want.wrong is None and want.kind in ("number", "date"):
        return said
    odd = values.str.contains(AROUND) | values.str.contains(MIXED)
    return said & (odd if want.wrong is None else odd | are_in(values, want.wrong))


def _odd_of_few(values: list[str], want: Want) -> list[str]:
    """The same for a short column."""
    if want.wrong is not None:
        wrong = set(want.wrong.to_list())
        return [text for text in values if text in wrong or holds(text, AROUND) or holds(text, MIXED)]
    if want.kind in ("code", "whole"):
        return [text for text in values if not holds(text, _digits(want))]
    if want.kind == "number" and not any("," in text for text in values):
        return [text for text in values if not holds(text, NUMBER)]
    if want.kind in ("number", "date"):
        return values
    return [text for text in values if holds(text, AROUND) or holds(text, MIXED)]


def _digits(want: Want) -> str:
    return rf"^\d{{{want.length}}}$" if want.length else r"^\d+$"
