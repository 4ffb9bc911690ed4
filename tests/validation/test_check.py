"""What a sender is told, and the table that is made when nothing is wrong."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from ckanext.kzopen.validation.check import Checked, check_file

from tests.validation.reference import by_frictionless, by_us

PEOPLE = {
    "fields": [
        {"name": "id", "type": "integer", "title_translated": {"kk": "Нөмірі", "ru": "Номер"}},
        {"name": "name", "type": "string", "title": "Full name", "constraints": {"required": True}},
        {"name": "day", "type": "date", "format": "%d.%m.%Y"},
    ],
    "primaryKey": ["id"],
}


def check(path: Path, content: str | bytes, schema: dict[str, Any] = PEOPLE, **more: Any) -> Checked:
    file = path / "t.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return check_file(file, schema, **more)


def found(checked: Checked) -> list[tuple[str, int | None, str | None]]:
    return [(finding.code, finding.row, finding.field) for finding in checked.report.findings]


def test_a_right_file_becomes_a_typed_table_in_the_order_of_the_schema(tmp_path: Path) -> None:
    checked = check(tmp_path, "day,id,name\n31.01.2024,1,Абай\n,2,Жетісу\n")
    assert checked.report.valid
    assert checked.report.rows == 2
    assert checked.table.schema == pa.schema({"id": pa.int64(), "name": pa.string(), "day": pa.date32()})
    assert checked.table.to_pylist() == [
        {"id": 1, "name": "Абай", "day": date(2024, 1, 31)},
        {"id": 2, "name": "Жетісу", "day": None},
    ]


def test_a_wrong_file_is_no_table(tmp_path: Path) -> None:
    assert check(tmp_path, "id,name,day\nx,а,\n").table is None


@pytest.mark.parametrize("header", ["Нөмірі;Full name;day", "номер;FULL  NAME;Day", "id;name;day"])
def test_columns_are_found_by_name_or_title(tmp_path: Path, header: str) -> None:
    assert check(tmp_path, f"{header}\n1;а;01.02.2024\n").report.valid


def test_an_exact_name_is_not_given_to_a_column_with_that_title(tmp_path: Path) -> None:
    schema = {"fields": [{"name": "a", "title": "b"}, {"name": "b", "title": "a"}]}
    checked = check(tmp_path, "b,a\n1,2\n", schema)
    assert checked.table.to_pylist() == [{"a": "2", "b": "1"}]


def test_missing_and_unknown_columns_are_named(tmp_path: Path) -> None:
    assert found(check(tmp_path, "id,name,other\n1,а,x\n")) == [
        ("extra-label", None, None),
        ("missing-label", None, "day"),
    ]


def test_columns_that_the_schema_allows_to_be_absent_are_nulls(tmp_path: Path) -> None:
    checked = check(tmp_path, "id,name\n1,а\n", PEOPLE | {"fieldsMatch": "superset"})
    assert checked.table.to_pylist() == [{"id": 1, "name": "а", "day": None}]
    assert checked.table.schema.field("day").type == pa.date32()


def test_every_error_is_counted_and_the_first_ones_are_listed(tmp_path: Path) -> None:
    body = "".join(f"x{n},,32.01.2024\n" for n in range(5_000))
    report = check(tmp_path, "id,name,day\n" + body, limit=10).report
    assert report.counts == {"type-error": 10_000, "constraint-error": 5_000, "primary-key": 5_000}
    assert (report.errors, len(report.findings)) == (20_000, 10)
    assert [finding.row for finding in report.findings] == [2, 2, 2, 2, 3, 3, 3, 3, 4, 4]
    assert report.every is not None
    every = list(report.every())
    assert (len(every), tuple(every[:10])) == (20_000, report.findings)
    assert [(one.row, one.code, one.field) for one in every[-4:]] == [
        (5_001, "type-error", "id"),
        (5_001, "constraint-error", "name"),
        (5_001, "type-error", "day"),
        (5_001, "primary-key", None),
    ]


def test_the_row_that_has_the_key_already_is_named(tmp_path: Path) -> None:
    finding = check(tmp_path, "id,name,day\n1,а,\n2,б,\n01,в,\n").report.findings[0]
    assert (finding.code, finding.row, finding.params) == ("primary-key", 4, {"other": "2"})
    assert finding.sentence("ru").startswith("Ключ строки 4 совпадает с ключом строки 2.")


def test_a_repeated_value_is_told_with_its_other_row(tmp_path: Path) -> None:
    schema = {"fields": [{"name": "bin", "type": "string", "constraints": {"unique": True}}]}
    finding = check(tmp_path, "bin\n000140000012\n000140000012\n", schema).report.findings[0]
    assert (finding.code, finding.row, finding.field, finding.cell) == ("unique-error", 3, "bin", "000140000012")
    assert "2-жолда" in finding.sentence("kk")


def test_a_date_is_asked_for_in_the_form_of_the_schema(tmp_path: Path) -> None:
    finding = check(tmp_path, "id,name,day\n1,а,2024-01-31\n").report.findings[0]
    assert "31.01.2026" in finding.sentence("ru")


def test_a_lost_zero_is_found_by_the_pattern(tmp_path: Path) -> None:
    schema = {"fields": [{"name": "bin", "type": "string", "constraints": {"pattern": r"\d{12}"}}]}
    assert found(check(tmp_path, "bin\n140000012\n", schema)) == [("constraint-error", 2, "bin")]


def test_a_file_that_cannot_be_read_is_one_finding_with_a_sentence(tmp_path: Path) -> None:
    report = check(tmp_path, b"%PDF-1.7").report
    assert report.counts == {"format-error": 1}
    assert report.findings[0].sentence("en").startswith("This is a PDF")


@pytest.mark.parametrize(
    "schema",
    [
        {"fields": [{"name": "a", "type": "nonsense"}]},
        {"fields": [{"name": "a", "type": "string", "constraints": {"pattern": "["}}]},
        {"fields": [{"name": "a", "type": "date", "constraints": {"minimum": "yesterday"}}]},
        {"fields": [{"name": "a"}, {"name": "a"}]},
        {"fields": [{"name": "a", "type": "integer", "constraints": {"minLength": 2}}]},
        {"fields": [{"name": "a"}], "primaryKey": ["b"]},
    ],
)
def test_a_wrong_schema_is_told_and_not_tripped_over(tmp_path: Path, schema: dict[str, Any]) -> None:
    assert check(tmp_path, "a\n1\n", schema).report.counts == {"schema-error": 1}


def test_numbers_keep_all_their_digits(tmp_path: Path) -> None:
    schema = {"fields": [{"name": "x", "type": "number"}, {"name": "y", "type": "number"}, {"name": "z", "type": "integer"}]}
    table = check(tmp_path, "x,y,z\n0.1,12345678901234567.89,1\n1e5,0.5,99999999999999999999\n", schema).table
    assert table.schema.types == [pa.float64(), pa.decimal128(38, 2), pa.decimal128(38, 0)]
    assert table.to_pylist() == [
        {"x": 0.1, "y": Decimal("12345678901234567.89"), "z": Decimal(1)},
        {"x": 100000.0, "y": Decimal("0.50"), "z": Decimal("99999999999999999999")},
    ]


def test_local_numbers_are_understood(tmp_path: Path) -> None:
    schema = {"fields": [{"name": "x", "type": "number", "decimalChar": ",", "groupChar": " "}]}
    assert check(tmp_path, 'x\n"1 234,5"\n7\n', schema).table.to_pylist() == [{"x": 1234.5}, {"x": 7.0}]


def test_moments_with_an_offset_become_utc(tmp_path: Path) -> None:
    schema = {"fields": [{"name": "at", "type": "datetime"}]}
    table = check(tmp_path, "at\n2024-01-31T14:30:00+05:00\n2024-01-31T09:30:00Z\n", schema).table
    assert table.schema.types == [pa.timestamp("us", "UTC")]
    assert [row["at"].isoformat() for row in table.to_pylist()] == ["2024-01-31T09:30:00+00:00"] * 2


def test_moments_of_which_only_some_have_an_offset_stay_text(tmp_path: Path) -> None:
    schema = {"fields": [{"name": "at", "type": "datetime"}]}
    table = check(tmp_path, "at\n2024-01-31T14:30:00+05:00\n2024-01-31T09:30:00\n", schema).table
    assert table["at"].to_pylist() == ["2024-01-31T09:30:00+00:00", "2024-01-31T09:30:00"]


def test_a_column_without_values_has_the_type_of_its_field(tmp_path: Path) -> None:
    assert check(tmp_path, "id,name,day\n1,а,\n").table.schema.field("day").type == pa.date32()


def test_a_header_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    checked = check(tmp_path, "id,name,day\n")
    assert (checked.report.valid, checked.table.num_rows) == (True, 0)
    assert checked.table.schema == pa.schema({"id": pa.int64(), "name": pa.string(), "day": pa.date32()})


def test_cells_of_a_spreadsheet_are_taken_for_what_their_field_expects(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["bin", "day", "n", "share", "ok"], [140000012345, datetime(2024, 1, 31), 5.0, 0.1, True]):
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    schema = {
        "fields": [
            {"name": "bin", "type": "string", "constraints": {"pattern": r"\d{12}"}},
            {"name": "day", "type": "date", "format": "%d.%m.%Y"},
            {"name": "n", "type": "integer"},
            {"name": "share", "type": "number", "decimalChar": ","},
            {"name": "ok", "type": "boolean", "trueValues": ["иә"], "falseValues": ["жоқ"]},
        ]
    }
    assert check(tmp_path, target.getvalue(), schema).table.to_pylist() == [
        {"bin": "140000012345", "day": date(2024, 1, 31), "n": 5, "share": 0.1, "ok": True}
    ]


def test_json_values_are_taken_for_what_their_field_expects(tmp_path: Path) -> None:
    schema = {
        "fields": [{"name": "n", "type": "number"}, {"name": "place", "type": "object"}, {"name": "s", "type": "string"}]
    }
    content = '[{"n": 1.10, "place": {"lat": 43.2, "name": "Алматы"}, "s": null}, {"n": "2.5", "s": "x"}]'
    assert check(tmp_path, content, schema).table.to_pylist() == [
        {"n": 1.1, "place": '{"lat": 43.2, "name": "Алматы"}', "s": None},
        {"n": 2.5, "place": None, "s": "x"},
    ]


BAD = {
    "frictionless/structure-errors.csv": {"blank-row", "extra-cell"},
    "frictionless/schema-errors.csv": {"type-error", "constraint-error", "extra-cell"},
    "frictionless/defective-rows.csv": {"missing-cell", "extra-cell"},
    "frictionless/blank-rows-no-fields.csv": {"blank-row"},
    "frictionless/duplicate-headers.csv": {"duplicate-label", "extra-label"},
    "frictionless/blank-headers.csv": {"blank-label"},
    "frictionless/without-headers.csv": {"extra-label", "missing-label"},
    "frictionless/wide.csv": {"table-dimensions"},
    "frictionless/empty.csv": {"source-error"},
    "frictionless/table-multiple-files.zip": {"compression-error"},
    "dkan/non-text.csv": {"format-error"},
    "messytables/badcolspan.html": {"format-error"},
    "messytables/encrypted_no_password.xls": {"format-error"},
    "messytables/characters.csv": {"encoding-error"},
}
THREE = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "age", "type": "integer"},
    ]
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_files_are_refused_with_a_readable_report(corpus: Path, name: str) -> None:
    checked = check_file(corpus / "files_bad" / name, THREE)
    assert checked.table is None
    assert set(checked.report.counts) >= BAD[name]
    for lang in ("kk", "ru", "en"):
        assert all(finding["sentence"] for finding in checked.report.to_dict(lang)["findings"])


CORPUS_TABLES = [
    ("catalogue/datasets/gosagro_subsidy_applications_15k.csv", ","),
    ("catalogue/datasets/fms_health_providers.csv", ","),
    ("catalogue/datasets/kato_directory_abai_2022.csv", ";"),
    ("catalogue/datasets/covid19_kz_hourly.csv", ","),
    ("budgets/РБ_ведомств_классификация.csv", ";"),
]


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "delimiter"), CORPUS_TABLES)
def test_real_tables_under_a_harsh_schema_get_frictionless_own_findings(
    corpus: Path, tmp_path: Path, name: str, delimiter: str
) -> None:
    """Every second column is made an integer that must not repeat, every third one required and short."""
    path = tmp_path / "t.csv"
    lines = (corpus / name).read_bytes().decode("utf-8-sig").splitlines(keepends=True)[:2_000]
    path.write_text("".join(lines), encoding="utf-8", newline="")
    labels = lines[0].strip().split(delimiter)
    kinds = [
        {"type": "integer", "constraints": {"unique": True, "maximum": 5000}},
        {"type": "number"},
        {"type": "string", "constraints": {"required": True, "maxLength": 12}},
    ]
    schema = {"fields": [{"name": label} | kinds[n % 3] for n, label in enumerate(labels)], "primaryKey": labels[1]}
    ours = by_us(check_file(path, schema, limit=10**6))
    assert ours == by_frictionless(path, schema, delimiter)
    assert sum(ours.values()) > 100
