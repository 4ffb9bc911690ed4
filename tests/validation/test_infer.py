"""A proposed schema never spoils a code, and understands local dates and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ckanext.kzopen.validation.check import check_file
from ckanext.kzopen.validation.infer import field_for, propose
from ckanext.kzopen.validation.names import field_name, field_names


def kind(values: list[str], label: str = "x") -> dict[str, Any]:
    return field_for(pl.Series(values, dtype=pl.String), label)


@pytest.mark.parametrize(
    ("values", "label", "expected"),
    [
        (["000140000012", "990240000415"], "x", {"type": "string", "constraints": {"pattern": r"\d{12}"}}),
        (["990240000415", "150640021112"], "x", {"type": "string", "constraints": {"pattern": r"\d{12}"}}),
        (["161140023016.0", "40023016.0"], "ИИН/БИН отправителя", {"type": "string"}),
        (["100000000", "101000000"], "КАТО", {"type": "string", "constraints": {"pattern": r"\d{9}"}}),
        (["110000000", "750000000"], "region_kato", {"type": "string", "constraints": {"pattern": r"\d{9}"}}),
        (["217.0", "1.0"], "parentCode", {"type": "string"}),
        (["217", "1"], "barcode_count", {"type": "integer"}),
        (["217", "1"], "code_count", {"type": "integer"}),
        (["105", "98"], "price_index", {"type": "integer"}),
        (["01", "02", "10"], "өңір", {"type": "string", "constraints": {"pattern": r"\d{2}"}}),
        (["007", "12"], "x", {"type": "string"}),
        (["77012345678", "7172"], "Телефон", {"type": "string"}),
        (["1", "20", "-3"], "саны", {"type": "integer"}),
        (["0", "10"], "саны", {"type": "integer"}),
        (["1.5", "2"], "x", {"type": "number"}),
        (["1.5e-5", "2"], "x", {"type": "number"}),
        (["1,5", "22,75"], "x", {"type": "number", "decimalChar": ","}),
        (["1 234,50", "12"], "x", {"type": "number", "groupChar": " ", "decimalChar": ","}),
        (["1 234 567", "12"], "x", {"type": "number", "groupChar": " "}),
        (["1\u00a0234,5"], "x", {"type": "number", "groupChar": "\u00a0", "decimalChar": ","}),
        (["6,000,000", "1,234"], "x", {"type": "number", "groupChar": ","}),
        (["1,234", "5,678"], "x", {"type": "string"}),
        (["2024-01-31"], "x", {"type": "date"}),
        (["31.01.2024"], "x", {"type": "date", "format": "%d.%m.%Y"}),
        (["31.02.2024"], "x", {"type": "string"}),
        (["13/01/2024"], "x", {"type": "date", "format": "%d/%m/%Y"}),
        (["01/02/2024"], "x", {"type": "string"}),
        (["01.2023", "12.2023"], "month", {"type": "string"}),
        (["05.06.2023 02:26:30"], "x", {"type": "datetime", "format": "%d.%m.%Y %H:%M:%S"}),
        (["05.06.2023 02:26"], "x", {"type": "datetime", "format": "%d.%m.%Y %H:%M"}),
        (["2020-03-26T15:03:56.619Z"], "x", {"type": "datetime"}),
        (["2025-03-17 16:55:42"], "x", {"type": "datetime"}),
        (["09:30:00"], "x", {"type": "time"}),
        (["9:30", "16:45"], "x", {"type": "time", "format": "%H:%M"}),
        (["2023", "2024"], "Жыл", {"type": "year"}),
        (["2023", "2024"], "саны", {"type": "integer"}),
        (["True", "False"], "x", {"type": "boolean"}),
        (["True"], "x", {"type": "boolean"}),
        (["иә", "жоқ"], "x", {"type": "boolean", "trueValues": ["иә"], "falseValues": ["жоқ"]}),
        (["нет"], "x", {"type": "string"}),
        (["0", "1"], "x", {"type": "integer"}),
        (["1", "-"], "x", {"type": "integer", "missingValues": ["", "-"]}),
        (["а", "-"], "x", {"type": "string"}),
        (["", ""], "x", {"type": "string"}),
        (['{"a": 1}', '{"b": [2]}'], "x", {"type": "object"}),
        (["{a}"], "x", {"type": "string"}),
    ],
)
def test_a_column_is_understood_or_left_as_text(values: list[str], label: str, expected: dict[str, Any]) -> None:
    assert kind(values, label) == expected


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("БИН/ИИН", "bin_iin"),
        ("Кәсіпорынның атауы", "kasiporynnyn_atauy"),
        ("Наименование субъекта", "naimenovanie_subekta"),
        ("2024", "c_2024"),
        ("№", "no"),
        ("?column?", "column"),
        ("国人", "column_7"),
        ("", "column_7"),
        ("Été à côté", "ete_a_cote"),
    ],
)
def test_labels_become_names_of_latin_letters(label: str, name: str) -> None:
    assert field_name(label, 7) == name


def test_repeated_labels_get_numbers() -> None:
    assert field_names(["Сумма", "сумма", "Сумма!"]) == ["summa", "summa_2", "summa_3"]


def test_the_proposal_keeps_the_labels_in_their_language(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("БСН;Өңірі;Region\n000140000012;Су;Abai\n", encoding="utf-8")
    schema = propose(path).schema
    assert schema == {
        "fields": [
            {
                "name": "bsn",
                "title": "БСН",
                "title_translated": {"kk": "БСН"},
                "type": "string",
                "constraints": {"pattern": r"\d{12}"},
            },
            {"name": "oniri", "title": "Өңірі", "title_translated": {"kk": "Өңірі"}, "type": "string"},
            {"name": "region", "title": "Region", "title_translated": {"en": "Region"}, "type": "string"},
        ]
    }


def test_the_first_complete_column_of_numbers_or_codes_is_the_key(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,code\nа,01\nб,02\n", encoding="utf-8")
    assert propose(path).schema["primaryKey"] == ["code"]
    path.write_text("name,code\nа,01\nб,01\n", encoding="utf-8")
    assert "primaryKey" not in propose(path).schema


def test_a_file_that_is_no_table_is_told_why(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"%PDF-1.7")
    proposed = propose(path)
    assert proposed.schema is None
    assert proposed.report.counts == {"format-error": 1}


WHOLE = [
    "catalogue/datasets/gbd_ul_bins_100k.csv",
    "catalogue/datasets/fms_health_providers.csv",
    "catalogue/datasets/fms_procurement_notices.csv",
    "catalogue/datasets/gosagro_subsidy_applications_15k.csv",
    "catalogue/datasets/covid19_kz_hourly.csv",
    "catalogue/datasets/kato_directory_abai_2022.csv",
    "catalogue/datasets/almaty_improvement_works.json",
    "catalogue/datasets/Population_KZ.xlsx",
    "catalogue/datasets/sport_financing_2018_2024.xlsx",
    "catalogue/portal_lists/getstatisticsbyquasiorganizations.json",
    "budgets/Республиканский бюджет.csv",
    "budgets/Гос_ведомств_классификация.csv",
]


@pytest.mark.corpus
@pytest.mark.parametrize("name", WHOLE)
def test_a_real_file_is_the_table_of_its_own_proposal(corpus: Path, name: str) -> None:
    schema = propose(corpus / name).schema
    checked = check_file(corpus / name, schema)
    assert checked.report.counts == {}
    assert checked.table.num_rows == checked.report.rows > 10


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("gbd_ul_bins_100k.csv", "bin", "string"),
        ("fms_health_providers.csv", "bin_iin", "string"),
        ("origin_certificates_export_2025.csv", "iin_bin_otpravitelya_eksportera", "string"),
        ("kato_directory_abai_2022.csv", "code", "string"),
        ("gosagro_subsidy_applications_15k.csv", "doc_at", "datetime"),
        ("fms_procurement_notices.csv", "summa_obyavleniya", "number"),
    ],
)
def test_codes_dates_and_sums_of_real_files_are_understood(corpus: Path, name: str, field: str, expected: str) -> None:
    fields = propose(corpus / "catalogue/datasets" / name).schema["fields"]
    assert {found["name"]: found["type"] for found in fields}[field] == expected
