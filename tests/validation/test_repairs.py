"""Repairs that a person accepts: what they change, and that nothing else is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ckanext.kzopen.publishing.proposal import proposed
from ckanext.kzopen.validation import reading
from ckanext.kzopen.validation.check import Checked, check_file
from ckanext.kzopen.validation.names import distinct
from ckanext.kzopen.validation.repairs.letters import of_one_alphabet
from ckanext.kzopen.validation.repairs.model import Key
from ckanext.kzopen.validation.repairs.notations import commas_of, day_of, plain_number, slashes_of
from ckanext.kzopen.validation.repairs.suggest import offered as suggestions
from ckanext.kzopen.validation.report import restored
from hypothesis import given
from hypothesis import strategies as st

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "bin", "type": "string", "title": "БСН", "constraints": {"required": True, "pattern": r"\d{12}"}},
        {"name": "name", "type": "string", "title": "Атауы"},
        {"name": "sum", "type": "number", "title": "Сомасы"},
        {"name": "day", "type": "date", "title": "Күні"},
    ],
    "primaryKey": ["bin"],
}
GOOD = "000140000012,Алматы,1250.5,2026-01-31"


def checked(folder: Path, *rows: str, accept: set[Key] | None = None, header: str = "bin,name,sum,day") -> Checked:
    path = folder / "t.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return check_file(path, SCHEMA, accepted=accept or set(), suggest=True)


def offered(result: Checked) -> set[Key]:
    return {repair.key for repair in result.report.repairs if not repair.done}


@pytest.mark.parametrize(
    ("row", "key", "expected"),
    [
        ("140000092,Алматы,1,2026-01-31", ("zeros", "bin"), ("000140000092", "Алматы", 1.0, "2026-01-31")),
        ("140000012.0,Алматы,1,2026-01-31", ("code", "bin"), None),
        ('990240000415,Алматы,"1 250,75",2026-01-31', ("number", "sum"), ("990240000415", "Алматы", 1250.75, "2026-01-31")),
        ("990240000415,Алматы,12 500 ₸,2026-01-31", ("number", "sum"), ("990240000415", "Алматы", 12500.0, "2026-01-31")),
        ("990240000415,Алматы,1,31.01.2026", ("date", "day"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
        ("990240000415,Алматы,1,2026.01.31", ("date", "day"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
        ("990240000415,Алматы,1,2026/01/31", ("date", "day"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
        ("990240000415,Алматы,1,31-01-2026", ("date", "day"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
        ("990240000415,Алматы,1,31/01/2026", ("date", "day"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
        ("990240000415,Алматы,1,31 января 2026 г.", ("date", "day"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
        ("990240000415,Алматы,1,2026 ж. 31 қаңтар", ("date", "day"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
        ("990240000415,Алматы,–,2026-01-31", ("missing", "sum"), ("990240000415", "Алматы", None, "2026-01-31")),
        ("990240000415,Hово-Троицкое,1,2026-01-31", ("letters", "name"), ("990240000415", "Ново-Троицкое", 1.0, "2026-01-31")),
        ("990240000415,Алматы ,1,2026-01-31", ("spaces", "name"), ("990240000415", "Алматы", 1.0, "2026-01-31")),
    ],
)
def test_a_cell_is_offered_its_repair_and_is_right_after_it(tmp_path: Path, row: str, key: Key, expected: Any) -> None:
    before = checked(tmp_path, GOOD, row)
    assert key in offered(before)
    if expected is None:
        return
    after = checked(tmp_path, GOOD, row, accept={key})
    assert after.table is not None
    assert [(repair.key, repair.done) for repair in after.report.repairs] == [(key, True)]
    values = tuple(after.table.slice(1, 1).to_pylist()[0].values())
    assert (*values[:3], str(values[3])) == expected
    assert after.table.slice(0, 1).to_pylist() == checked(tmp_path, GOOD).table.to_pylist()  # type: ignore[union-attr]


def test_a_code_as_a_fraction_needs_two_repairs(tmp_path: Path) -> None:
    wanted: set[Key] = {("code", "bin"), ("zeros", "bin")}
    assert offered(checked(tmp_path, "140000012.0,Алматы,1,2026-01-31")) == wanted
    after = checked(tmp_path, "140000012.0,Алматы,1,2026-01-31", accept=wanted)
    assert after.table is not None
    assert after.table["bin"].to_pylist() == ["000140000012"]


def test_a_day_that_may_be_a_month_is_not_guessed(tmp_path: Path) -> None:
    assert offered(checked(tmp_path, GOOD, "990240000415,Алматы,1,01/02/2026")) == set()


def test_a_number_with_one_comma_and_three_digits_is_not_guessed(tmp_path: Path) -> None:
    assert offered(checked(tmp_path, GOOD, '990240000415,Алматы,"1,234",2026-01-31')) == set()


def test_rows_that_are_no_data_are_taken_out_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    rows = [GOOD, "990240000415,Астана,oops,2026-01-31", ",,,", "Итого,,1251.5,", "Дереккөз: Ұлттық статистика бюросы,,,"]
    before = checked(tmp_path, *rows)
    assert {("blank-rows", None), ("totals", None), ("notes", None)} <= offered(before)
    after = checked(tmp_path, *rows, accept={("blank-rows", None), ("totals", None), ("notes", None)})
    assert [(finding.row, finding.cell) for finding in after.report.findings] == [(3, "oops")]


def test_a_repeated_row_is_kept_once_and_of_one_key_the_last(tmp_path: Path) -> None:
    newer = "000140000012,Алматы,7,2026-02-01"
    assert ("repeats", None) in offered(checked(tmp_path, GOOD, GOOD))
    once = checked(tmp_path, GOOD, GOOD, accept={("repeats", None)})
    assert once.table is not None
    assert once.table.num_rows == 1
    assert ("repeated-keys", None) in offered(checked(tmp_path, GOOD, newer))
    last = checked(tmp_path, GOOD, newer, accept={("repeated-keys", None)})
    assert last.table is not None
    assert last.table["sum"].to_pylist() == [7.0]


def test_a_file_without_a_header_is_read_by_position(tmp_path: Path) -> None:
    rows = ["990240000415,Астана,1,2026-01-31", "150640021112,Шымкент,2,2026-01-31"]
    result = checked(tmp_path, *rows, header=GOOD)
    assert ("no-header", None) in offered(result)
    after = checked(tmp_path, *rows, header=GOOD, accept={("no-header", None)})
    assert after.table is not None
    assert after.table["bin"].to_pylist() == ["000140000012", "990240000415", "150640021112"]


def test_other_labels_are_told_by_position(tmp_path: Path) -> None:
    result = checked(tmp_path, GOOD, header="bin,name,sum,Дата внесения")
    assert ("labels", None) in offered(result)
    after = checked(tmp_path, GOOD, header="bin,name,sum,Дата внесения", accept={("labels", None)})
    assert after.table is not None


def test_a_merged_cell_fills_all_its_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["bin", "name", "sum", "day"], ["000140000012", "Алматы", 1, None], ["990240000415", None, 2, None]):
        sheet.append(row)
    sheet.merge_cells("B2:B3")
    book.save(tmp_path / "t.xlsx")
    result = check_file(tmp_path / "t.xlsx", SCHEMA, suggest=True)
    assert offered(result) == {("merged", None)}
    after = check_file(tmp_path / "t.xlsx", SCHEMA, accepted={("merged", None)}, suggest=True)
    assert after.table is not None
    assert after.table["name"].to_pylist() == ["Алматы", "Алматы"]


def test_a_consent_to_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    everything: set[Key] = {("zeros", "bin"), ("number", "sum"), ("totals", None), ("repeats", None), ("labels", None)}
    after, before = checked(tmp_path, GOOD, accept=everything), checked(tmp_path, GOOD)
    assert after.report == before.report
    assert after.table == before.table


def test_a_right_file_is_offered_nothing(tmp_path: Path) -> None:
    assert checked(tmp_path, GOOD, "990240000415,Астана,1,2026-01-31").report.repairs == ()


def test_a_report_with_repairs_and_rows_survives_being_stored(tmp_path: Path) -> None:
    report = checked(tmp_path, GOOD, "140000012,Алматы,1,oops").report
    assert report.shown is not None
    assert report.shown.rows == {3: ["140000012", "Алматы", "1", "oops"]}
    assert restored(report.stored()).to_dict("kk") == report.to_dict("kk")
    assert all(repair.sentence(lang) for repair in report.repairs for lang in ("kk", "ru", "en"))


@given(st.integers(-(10**15), 10**15), st.sampled_from([" ", "\u00a0", "\u202f", "'"]))
def test_a_number_with_blanks_between_thousands_is_itself(number: int, blank: str) -> None:
    written = f"{number:,}".replace(",", blank)
    assert plain_number(written, commas_of([written])) == str(number)


@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y.%m.%d", "%Y/%m/%d", "%d-%m-%Y"]))
def test_a_day_in_any_notation_is_itself(day: Any, notation: str) -> None:
    written = f"{day.strftime(notation)}" if day.year > 999 else ""
    assert not written or day_of(written, slashes_of([written])) == day


@given(st.text(alphabet="абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүіһ ", max_size=30))
def test_a_word_of_one_alphabet_is_left_alone(text: str) -> None:
    assert of_one_alphabet(text) == text


@pytest.mark.parametrize(
    ("mixed", "pure"),
    [("Hово", "Ново"), ("Сенiм", "Сенім"), ("LLС", "LLC"), ("Мaksat", "Maksat"), ("ТОO", "ТОО"), ("IT және ҚР", "IT және ҚР")],
)
def test_a_mixed_word_gets_the_alphabet_of_its_other_letters(mixed: str, pure: str) -> None:
    assert of_one_alphabet(mixed) == pure


@given(st.lists(st.sampled_from(["", "Атауы", "Атауы (2)", "Атауы (3)", "Саны"])))
def test_repeated_labels_get_numbers_and_the_others_stay(labels: list[str]) -> None:
    told = distinct(labels)
    assert [label for label, before in zip(told, labels, strict=True) if labels.count(before) == 1] == [
        label for label in labels if labels.count(label) == 1
    ]
    assert len({label for label in told if label}) == len([label for label in labels if label])
    assert [n for n, label in enumerate(told) if not label] == [n for n, label in enumerate(labels) if not label]


def test_a_table_without_a_schema_is_proposed_one_name_and_title_for_each_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Атауы,Атауы,Саны\nа,б,1\nв,г,2\n", encoding="utf-8")
    titles = [field["title_translated"] for field in proposed(path)["fields"]]
    assert titles == [{"ru": "Атауы"}, {"ru": "Атауы (2)"}, {"ru": "Саны"}]


@pytest.mark.parametrize(
    ("label", "values", "kind"),
    [
        ("plan", ["1250.0", "7.0"], "number"),  # money that is round this month
        ("parent_id", ["1250.0", "7.0"], "integer"),
        ("parentCode", ["217.0", "7.0"], "string"),
        ("Халық саны", ["610189.0", "7.0"], "integer"),
        ("Год отчёта", ["2005.0", "2006.0"], "year"),
        ("t", ["2005.0", "2006.0"], "integer"),
        ("plan", ["1250.0", "7"], "integer"),
    ],
)
def test_round_sums_are_no_whole_numbers_unless_something_tells_so(
    tmp_path: Path, label: str, values: list[str], kind: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join([f"name,{label}", *(f"а,{value}" for value in values)]) + "\n", encoding="utf-8")
    assert proposed(path)["fields"][1]["type"] == kind


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        (["11", "22", "31", "33"], {"no-header"}),
        (["2024", "22", "31", "33"], set()),  # a year may be a label
        (["number", "22", "31", "33"], set()),
        (["a,b,c,d,e", "А,Б,1,2,3", "x,y,7,8,10", "x,z,7,8,11"], {"numbering"}),
        (["a,b,c,d,e", "А,Б,1,2,7", "x,y,7,8,10", "x,z,7,8,11"], set()),
        (["word,stem", "жиын,жиын", "жиынтығы,жиынты", "жиырма,жиырма"], set()),
        (["word,sum", "жиын,1", "Жиынтығы,x1", "жиырма,2"], {"totals"}),
    ],
)
def test_rows_are_told_by_what_stands_in_them(tmp_path: Path, rows: list[str], kinds: set[str]) -> None:
    """A list without a header, a row that numbers few columns, a word that may name a total."""
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert {repair.kind for repair in suggestions(reading.read(path))} == kinds


SHORT = "bin;name;sum;day\n000140000012;ЖШС;1;2026-01-31\n990240000415;ДСП ЦРБ;2;2026-01-31\n".encode("cp1251")


def test_a_file_of_unknown_encoding_is_offered_readings_to_choose_from(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(SHORT)
    refused = check_file(path, SCHEMA, suggest=True)
    assert refused.report.counts == {"encoding-error": 1}
    assert [(repair.key, repair.examples[0][1]) for repair in refused.report.repairs] == [
        (("encoding", "windows-1251"), "ЖШС"),
        (("encoding", "ibm866"), "╞╪╤"),
        (("encoding", "windows-1252"), "ÆØÑ"),
    ]

    read = check_file(path, SCHEMA, suggest=True, accepted={("encoding", "windows-1251")})
    assert read.table is not None
    assert read.table["name"].to_pylist() == ["ЖШС", "ДСП ЦРБ"]
    assert [(repair.key, repair.done) for repair in read.report.repairs] == [(("encoding", "windows-1251"), True)]


def test_a_chosen_encoding_is_not_used_for_a_file_that_tells_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"bin,name,sum,day\n{GOOD}\n", encoding="utf-8")
    read = check_file(path, SCHEMA, suggest=True, accepted={("encoding", "windows-1252")})
    assert read.table is not None
    assert read.table["name"].to_pylist() == ["Алматы"]
    assert read.report.repairs == ()


def test_a_few_broken_bytes_in_a_file_of_utf_8_are_no_other_encoding(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"bin,name,sum,day\n{GOOD}\n".encode() * 2 + b"990240000415,\xff,1,2026-01-31\n")
    broken = check_file(path, SCHEMA, suggest=True, accepted={("encoding", "windows-1251")})
    assert (broken.report.counts, broken.report.repairs, broken.table) == ({"encoding-error": 1}, (), None)
