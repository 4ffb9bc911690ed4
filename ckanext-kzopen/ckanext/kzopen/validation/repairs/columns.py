"""Repairs of the cells of one column. Each kind looks at all distinct texts, and then says what it makes of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from ckanext.kzopen.core.identifiers import has_check_digit, is_bin, is_iin
from ckanext.kzopen.validation.columns import AT_ONCE
from ckanext.kzopen.validation.infer import NUMBER, YEAR_LABEL, is_code
from ckanext.kzopen.validation.repairs.letters import of_one_alphabet
from ckanext.kzopen.validation.repairs.model import EXAMPLES, OF_COLUMNS, Repair
from ckanext.kzopen.validation.repairs.notations import Commas, commas_of, day_of, notation_of, plain_number, slashes_of
from ckanext.kzopen.validation.repairs.words import BLANK, NO_VALUE, ONLY_SIGNS, answers_of, is_missing
from ckanext.kzopen.validation.short import all_hold as _all
from ckanext.kzopen.validation.short import holds, is_short
from frictionless import Field

Every = Callable[[], Iterator[str]]
"""The texts of a column, from the first on each time."""
Change = Callable[[str], str]
"""What a kind of repair makes of a text; what it does not concern comes back as it is."""
FRACTION = re.compile(r"(\d+)\.0+")
BIN_LABEL = re.compile(r"(?<!\w)(бин|бсн|иин|жсн|bin|iin)(?!\w)", re.IGNORECASE)
KATO_LABEL = re.compile(r"(?<!\w)(като|kato)(?!\w)", re.IGNORECASE)
COUNT_LABEL = re.compile(
    r"(?<!\w)(id|№|number|count|population|номер\w*|нөмір\w*|саны|количество|кол-во|число|численность|население|халық\w*)(?!\w)",
    re.IGNORECASE,
)
WORDS_OF_NAME = re.compile(r"_|(?<=[a-zа-я])(?=[A-ZА-Я])")  # parent_id, parentCode
YEARS = r"^(19|20)\d\d\.0+$"
OF_ONE_LENGTH = re.compile(r"\^?(?:\\d|\[0-9\])\{(\d+)\}\$?")
MOST_ZEROS = 4
ENOUGH, FEW_ODD = 20, 0.05
AROUND = rf"^[{BLANK}]|[{BLANK}]$"
MIXED = r"[A-Za-z][\u0400-\u04FF]|[\u0400-\u04FF][A-Za-z]"
NO_COMMAS = Commas(group=False, decimal=False)


@dataclass(frozen=True)
class Want:
    """What the values of a column are to be: `kind` is text, code, number, whole, date, boolean or other; `length` that of
    codes; `form` the notation of dates; `yes` and `no` the words of a boolean, the best one first; `wrong` the texts that the
    schema does not take, None where no schema says."""

    kind: str
    length: int | None = None
    form: str = "%Y-%m-%d"
    point: str = "."
    wrong: pl.Series | None = None
    yes: Sequence[str] = ("true",)
    no: Sequence[str] = ("false",)


def wanted_by(field: Field, label: str, wrong: pl.Series) -> Want:
    """What a schema wants of a column."""
    length = _length(field.constraints, label) if field.type == "string" else None
    kinds = {"number": "number", "integer": "whole", "year": "whole", "date": "date", "boolean": "boolean"}
    kinds["string"] = "code" if length else "text"
    form = field.format if field.type == "date" and "%" in field.format else "%Y-%m-%d"
    kind, point = kinds.get(field.type, "other"), getattr(field, "decimal_char", ".")
    if kind == "boolean":
        yes, no = field.true_values or ["true"], field.false_values or ["false"]  # type: ignore[attr-defined]
        return Want(kind, wrong=wrong, yes=yes, no=no)
    return Want(kind, length, form, point, wrong)


def _length(constraints: dict[str, Any], label: str) -> int | None:
    found = OF_ONE_LENGTH.fullmatch(str(constraints.get("pattern", "")))
    if found:
        return int(found[1])
    return _length_by_label(label)


def _length_by_label(label: str) -> int | None:
    return 12 if BIN_LABEL.search(label) else 9 if KATO_LABEL.search(label) else None


def wanted_by_values(texts: pl.Series, label: str) -> Want:
    """What a column without a schema seems to be: judged by all of its values but those that stand for none. A column of
    which nearly all values are numbers or days is taken for one of them; the rest stays as it is."""
    present = _present(texts)
    if not len(present):
        return Want("text")
    if _all(present, r"^\d+(\.0+)?$"):
        if is_code(label) or present.str.contains(r"^0\d").any():
            return Want("code", _length_by_label(label))
        return Want("whole" if _are_whole(present, label) else "number")
    odd = present.filter(~present.str.contains(NUMBER)).to_list()
    allowed = len(present) * FEW_ODD if len(present) >= ENOUGH else 0
    commas = (
        commas_of(odd if len(odd) == len(present) else present.to_list()) if any("," in text for text in odd) else NO_COMMAS
    )
    if _nearly_all(odd, lambda text: plain_number(text, commas) is not None, allowed):
        return Want("number")
    slashes = slashes_of(odd)
    if len(odd) == len(present) and _nearly_all(odd, lambda text: day_of(text, slashes) is not None, 0):
        return Want("date")
    return Want("text")


def _are_whole(present: pl.Series, label: str) -> bool:
    """Whether `12.0` is the number 12 as a program wrote it: the label tells a number, a count or a year, all are years, or
    some are without the fraction. Other sums are only round in this file, and are not to become whole numbers."""
    fractions = present.str.contains(r"\.0+$")
    if not fractions.any():
        return False
    words = WORDS_OF_NAME.sub(" ", label)
    told = YEAR_LABEL.search(words) or COUNT_LABEL.search(words)
    return bool(told) or not fractions.all() or _all(present, YEARS)


def _present(texts: pl.Series) -> pl.Series:
    """The distinct values, without blanks around them, that say something."""
    if is_short(texts):
        stripped = dict.fromkeys(text.strip(BLANK) for text in texts.to_list() if text is not None)
        return pl.Series([text for text in stripped if text and not _is_nothing(text)], dtype=pl.String)
    bare = texts.drop_nulls().unique(maintain_order=True).str.strip_chars(BLANK).unique(maintain_order=True)
    nothing = bare.str.to_lowercase().is_in(list(NO_VALUE)) | bare.str.contains(f"^(?:{ONLY_SIGNS.pattern})$")
    return bare.filter((bare != "") & ~nothing)


def _is_nothing(text: str) -> bool:
    return text.lower() in NO_VALUE or ONLY_SIGNS.fullmatch(text) is not None


def _nearly_all(texts: Sequence[str], fits: Callable[[str], bool], allowed: float) -> bool:
    wrong = 0
    for text in texts:
        wrong += not fits(text)
        if wrong > allowed:
            return False
    return True


@dataclass(frozen=True)
class _Looked:
    """Distinct texts that some repair might change, as they stand (`texts`) and as the repairs so far leave them (`now`);
    `wrong` are those that a schema does not take, None where no schema says."""

    texts: pl.Series
    now: pl.Series
    wrong: pl.Series | None

    def after(self, kind: str, want: Want) -> _Looked | None:
        """The texts after a kind of repair; None when it changes nothing. Where a schema says what is wrong, what is right
        already is left alone; letters and blanks are looked at everywhere."""
        if not len(self.texts):
            return None
        everywhere = self.wrong is None or kind in ("spaces", "letters")
        places = None if everywhere else (self.wrong | (self.now != self.texts)).arg_true()
        seen = self.now if places is None else self.now.gather(places)
        change = KINDS[kind](lambda: _each(seen), want)
        if change is None:
            return None
        new = _changed(seen, change)
        if not (new != seen).any():
            return None
        return replace(self, now=new if places is None else self.now.clone().scatter(places, new))


def _each(texts: pl.Series) -> Iterator[str]:
    """The texts one by one; few of them are Python's at a time."""
    for start in range(0, len(texts), AT_ONCE):
        yield from texts.slice(start, AT_ONCE).to_list()


def _changed(texts: pl.Series, change: Change) -> pl.Series:
    parts = [
        pl.Series([change(text) for text in texts.slice(start, AT_ONCE).to_list()], dtype=pl.String)
        for start in range(0, len(texts) or 1, AT_ONCE)
    ]
    return pl.concat(parts)


def repairs_of(texts: pl.Series, want: Want, name: str, position: int) -> list[Repair]:
    """What could be mended in a column; each kind sees the texts as the kinds before it would leave them."""
    looked = _looked(texts, want)
    found = []
    for kind in OF_COLUMNS:
        if after := looked.after(kind, want):
            touched = (after.now != looked.now).arg_true()
            first = touched.head(EXAMPLES)
            pairs = zip(looked.texts.gather(first).to_list(), after.now.gather(first).to_list(), strict=True)
            examples = [(text[:80], new[:80]) for text, new in pairs]
            found.append(Repair(kind, name, position, int(texts.is_in(looked.texts.gather(touched)).sum()), examples))
            looked = after
    return found


def mended(texts: pl.Series, want: Want, kinds: Collection[str]) -> pl.Series:
    """The column with these kinds of repairs made."""
    looked = _looked(texts, want)
    for kind in OF_COLUMNS:
        if kind in kinds:
            looked = looked.after(kind, want) or looked
    differ = (looked.texts != looked.now).arg_true()
    return texts.replace(looked.texts.gather(differ), looked.now.gather(differ)) if len(differ) else texts


def _looked(texts: pl.Series, want: Want) -> _Looked:
    found = _worth_a_look(texts, want)
    return _Looked(found, found, None if want.wrong is None else found.is_in(want.wrong))


def _worth_a_look(texts: pl.Series, want: Want) -> pl.Series:
    """The distinct texts that some repair might change, found by patterns first: a column may have millions of them."""
    if is_short(texts):
        few = [text for text in dict.fromkeys(texts.to_list()) if text and text.strip(BLANK)]
        return pl.Series(_odd_of_few(few, want), dtype=pl.String)
    values = texts.drop_nulls().unique(maintain_order=True)
    values = values.filter(values.str.strip_chars(BLANK) != "")
    odd = values.str.contains(AROUND) | values.str.contains(MIXED)
    if want.wrong is not None:
        odd |= values.is_in(want.wrong)
    elif want.kind in ("code", "whole"):
        odd = ~values.str.contains(_digits(want))
    elif want.kind == "number" and not values.str.contains(",", literal=True).any():
        odd = ~values.str.contains(NUMBER)
    elif want.kind in ("number", "date"):
        odd |= True
    return values.filter(odd)


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


def _codes(every: Every, want: Want) -> Change | None:
    if want.kind not in ("code", "whole"):
        return None
    return lambda value: found[1] if (found := FRACTION.fullmatch(value.strip())) else value


def _spaces(every: Every, want: Want) -> Change | None:
    return (lambda value: value.strip(BLANK)) if want.kind in ("text", "code", "other") else None


def _letters(every: Every, want: Want) -> Change | None:
    return of_one_alphabet if want.kind in ("text", "code") else None


def _yes_no(every: Every, want: Want) -> Change | None:
    if want.kind != "boolean":
        return None
    answer, words = answers_of(every(), want.yes, want.no), {True: want.yes[0], False: want.no[0]}
    return lambda value: value if (said := answer(value)) is None else words[said]


def _missing(every: Every, want: Want) -> Change | None:
    """Among texts and in columns of other kinds a dash may mean something, unless a schema says that it is wrong."""
    if want.kind in ("text", "other") and want.wrong is None:
        return None

    def fits(value: str) -> bool:
        return bool(value.strip()) and is_missing(value.strip(), want.kind)

    if want.kind == "text" and want.wrong is not None:
        wrong = {value for value in _each(want.wrong) if fits(value)}
        return lambda value: "" if value in wrong else value
    if want.kind == "boolean":
        answer = answers_of(every(), want.yes, want.no)
        return lambda value: "" if answer(value) is None and fits(value) else value
    return lambda value: "" if fits(value) else value


def _numbers(every: Every, want: Want) -> Change | None:
    if want.kind not in ("number", "whole"):
        return None
    commas = commas_of(every())

    def plain(value: str) -> str:
        new = plain_number(value, commas)
        return value if new is None or (want.kind == "whole" and "." in new) else new.replace(".", want.point)

    return plain


def _dates(every: Every, want: Want) -> Change | None:
    """Without a schema only where there are several notations: one alone is the format of the column."""
    if want.kind != "date" or (want.wrong is None and len({notation_of(value) for value in every()} - {None}) < 2):
        return None
    slashes = slashes_of(every())
    return lambda value: value if (day := day_of(value, slashes)) is None else day.strftime(want.form)


def _zeros(every: Every, want: Want) -> Change | None:
    """Zeros that a spreadsheet took off a BIN or an IIN: its check digit and its date tell that they belong there."""
    filled = _filled(every, want)
    return (lambda value: code if _is_confirmed(code := filled(value)) else value) if filled else None


def _short_codes(every: Every, want: Want) -> Change | None:
    """The other codes that are too short: they may have lost their end as well."""
    filled = _filled(every, want)
    return (lambda value: value if _is_confirmed(code := filled(value)) else code) if filled else None


def _is_confirmed(code: str) -> bool:
    return has_check_digit(code) and (is_bin(code) or is_iin(code))


def _filled(every: Every, want: Want) -> Change | None:
    """Digits alone, shorter than the code by no more zeros than a spreadsheet takes off; never where one is longer."""
    length = want.length
    if want.kind != "code" or length is None or any(len(value) > length for value in every() if value.isdigit()):
        return None

    def filled(value: str) -> str:
        short = value.isascii() and value.isdigit() and length - MOST_ZEROS <= len(value) < length
        return value.zfill(length) if short else value

    return filled


KINDS = {
    "code": _codes,
    "spaces": _spaces,
    "letters": _letters,
    "yes-no": _yes_no,
    "missing": _missing,
    "number": _numbers,
    "date": _dates,
    "zeros": _zeros,
    "short-codes": _short_codes,
}
