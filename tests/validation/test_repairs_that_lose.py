"""Answers are not taken for absent values; what a repair may lose or invent is told apart from what is sure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ckanext.kzopen.validation.check import Checked, check_file
from ckanext.kzopen.validation.repairs.model import Key, Repair

Field = dict[str, Any]
ANSWERS: Field = {"name": "open", "type": "boolean"}


def checked(folder: Path, field: Field, *values: str, accept: set[Key] | None = None, key: bool = True) -> Checked:
    """A table of a number and one column of these values."""
    path = folder / "t.csv"
    rows = [f"{n},{value}" for n, value in enumerate(values, start=1)]
    path.write_text("\n".join([f"n,{field['name']}", *rows]) + "\n", encoding="utf-8")
    schema = {"fields": [{"name": "n", "type": "integer"}, field]} | ({"primaryKey": ["n"]} if key else {})
    return check_file(path, schema, accepted=accept or set(), suggest=True)


def offered(result: Checked) -> dict[Key, Repair]:
    return {repair.key: repair for repair in result.report.repairs if not repair.done}


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("иә", "жоқ"),
        ("Ия", "ЖОҚ"),
        ("да", "нет"),
        (" Да", "Нет "),
        ("yes", "No"),
        ("+", "-"),
        ("+", "–"),
        ("бар", "жоқ"),
        ("есть", "нет"),
    ],
)
def test_the_words_of_yes_and_no_become_the_values_that_are_wanted(tmp_path: Path, yes: str, no: str) -> None:
    assert set(offered(checked(tmp_path, ANSWERS, yes, no, "true"))) == {("yes-no", "open")}

    after = checked(tmp_path, ANSWERS, yes, no, "true", "", accept={("yes-no", "open"), ("missing", "open")})

    assert after.table is not None
    assert after.table["open"].to_pylist() == [True, False, True, None]


def test_a_schema_says_which_words_mean_yes_and_no(tmp_path: Path) -> None:
    field = ANSWERS | {"trueValues": ["бар", "Y"], "falseValues": ["жоқ"]}
    result = checked(tmp_path, field, "бар", "жоқ", "БАР", "да", "нет", "y", "белгісіз")
    repair = offered(result)["yes-no", "open"]
    assert repair.examples == [("БАР", "бар"), ("да", "бар"), ("нет", "жоқ")]
    assert repair.count == 4
    after = checked(tmp_path, field, "бар", "жоқ", "БАР", "да", "нет", "y", "белгісіз", accept={("yes-no", "open")})
    assert [finding.cell for finding in after.report.findings] == ["белгісіз"]


def test_a_dash_among_answers_means_no_only_beside_a_plus(tmp_path: Path) -> None:
    alone = offered(checked(tmp_path, ANSWERS, "иә", "жоқ", "-"))
    assert alone["yes-no", "open"].count == 2
    assert alone["missing", "open"].examples == [("-", "")]
    by_schema = offered(checked(tmp_path, ANSWERS | {"trueValues": ["+"]}, "+", "-"))
    assert {key: repair.examples for key, repair in by_schema.items()} == {("yes-no", "open"): [("-", "false")]}


def test_a_remembered_consent_to_empty_dashes_leaves_answers_alone(tmp_path: Path) -> None:
    after = checked(tmp_path, ANSWERS, "+", "-", "нет", accept={("missing", "open")})
    assert [finding.cell for finding in after.report.findings] == ["+", "-", "нет"]


def test_answers_of_a_workbook_may_be_words_and_its_own_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["n", "open"], [1, True], [2, "жоқ"], [3, "Иә"], [4, False]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    schema = {"fields": [{"name": "n", "type": "integer"}, ANSWERS | {"trueValues": ["бар"], "falseValues": ["жоқ"]}]}
    after = check_file(tmp_path / "t.xlsx", schema, accepted={("yes-no", "open")}, suggest=True)
    assert after.table is not None
    assert after.table["open"].to_pylist() == [True, False, True, False]


def test_words_that_say_that_nothing_is_known_are_no_answer(tmp_path: Path) -> None:
    result = offered(checked(tmp_path, ANSWERS, "иә", "нет данных", "дерек жоқ", "n/a"))
    assert result["missing", "open"].examples == [("нет данных", ""), ("дерек жоқ", ""), ("n/a", "")]


def test_among_texts_a_sign_that_is_wrong_may_stand_for_nothing_but_no_is_an_answer(tmp_path: Path) -> None:
    field = {"name": "answer", "type": "string", "constraints": {"enum": ["толық", "ішінара"]}}
    values = ["толық", "-", "–", "n/a", "н/д", "нет данных", "жоқ деректер", "нет", "Жоқ"]
    assert set(offered(checked(tmp_path, field, *values))) == {("missing", "answer")}
    after = checked(tmp_path, field, *values, accept={("missing", "answer")})
    assert [finding.cell for finding in after.report.findings] == ["нет", "Жоқ"]
    assert offered(checked(tmp_path, {"name": "answer", "type": "string"}, "нет", "-", "н/д")) == {}


@pytest.mark.parametrize("type_", ["number", "integer"])
def test_no_may_be_zero_where_a_number_is_wanted(tmp_path: Path, type_: str) -> None:
    result = offered(checked(tmp_path, {"name": "sum", "type": type_}, "1", "нет", "жоқ", "н/д"))
    assert {key: repair.examples for key, repair in result.items()} == {("missing", "sum"): [("н/д", "")]}


BIN: Field = {"name": "bin", "type": "string", "title": "БСН", "constraints": {"pattern": r"\d{12}"}}
KATO: Field = {"name": "kato", "type": "string", "title": "КАТО", "constraints": {"pattern": r"\d{9}"}}


def test_zeros_are_sure_only_where_the_check_digit_confirms_them(tmp_path: Path) -> None:
    values = ["990240000415", "140000012", "140000013", "10451000001"]
    result = offered(checked(tmp_path, BIN, *values))
    assert {key: (repair.examples, repair.once) for key, repair in result.items()} == {
        ("zeros", "bin"): ([("140000012", "000140000012")], False),
        ("short-codes", "bin"): ([("140000013", "000140000013"), ("10451000001", "010451000001")], True),
    }
    after = checked(tmp_path, BIN, *values, accept={("zeros", "bin")})
    assert [finding.cell for finding in after.report.findings] == ["140000013", "10451000001"]


def test_a_short_code_without_a_check_digit_is_never_sure_to_have_lost_zeros(tmp_path: Path) -> None:
    result = offered(checked(tmp_path, KATO, "751010000", "75101"))
    assert {key: (repair.examples, repair.once) for key, repair in result.items()} == {
        ("short-codes", "kato"): ([("75101", "000075101")], True)
    }
    assert checked(tmp_path, KATO, "751010000", "75101", accept={("zeros", "kato")}).table is None
    after = checked(tmp_path, KATO, "751010000", "75101", accept={("short-codes", "kato")})
    assert after.table is not None
    assert after.table["kato"].to_pylist() == ["751010000", "000075101"]


def repeated(folder: Path, *rows: str, accept: set[Key] | None = None, key: bool = True) -> Checked:
    path = folder / "t.csv"
    path.write_text("\n".join(["bin,sum", *rows]) + "\n", encoding="utf-8")
    schema = {"fields": [BIN, {"name": "sum", "type": "number"}]} | ({"primaryKey": ["bin"]} if key else {})
    return check_file(path, schema, accepted=accept or set(), suggest=True)


def test_rows_that_are_alike_but_for_the_key_are_lost_only_by_a_repair_of_one_file(tmp_path: Path) -> None:
    found = offered(repeated(tmp_path, "000140000012,1", "000140000012,2"))
    assert {key: repair.once for key, repair in found.items()} == {("repeated-keys", None): True}


def test_a_whole_row_that_is_there_again_says_nothing_new_only_where_there_is_a_key(tmp_path: Path) -> None:
    rows = ["000140000012,1", "000140000012,1"]
    assert {key: repair.once for key, repair in offered(repeated(tmp_path, *rows)).items()} == {("repeats", None): False}
    without = offered(repeated(tmp_path, *rows, key=False))
    assert {key: repair.once for key, repair in without.items()} == {("same-rows", None): True}
    kept = repeated(tmp_path, *rows, key=False, accept={("repeats", None)})
    assert kept.table is not None
    assert kept.table.num_rows == 2
    once = repeated(tmp_path, *rows, key=False, accept={("same-rows", None)})
    assert once.table is not None
    assert once.table.num_rows == 1


def test_a_key_that_repeats_only_after_other_repairs_is_mended_when_that_is_accepted(tmp_path: Path) -> None:
    rows, zeros = ["140000012,1", "000140000012,2"], ("zeros", "bin")
    assert set(offered(repeated(tmp_path, *rows, accept={zeros}))) == {("repeated-keys", None)}
    after = repeated(tmp_path, *rows, accept={zeros, ("repeated-keys", None)})
    assert after.table is not None
    assert after.table["sum"].to_pylist() == [2.0]
    assert {repair.key for repair in after.report.repairs if repair.done} == {zeros, ("repeated-keys", None)}
