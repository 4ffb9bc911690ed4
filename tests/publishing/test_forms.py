"""The passport's form says the same as the passport."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ckanext.kzopen.publishing import forms, proposal
from ckanext.kzopen.publishing.passport import Passport

from tests.publishing.conftest import passport


def test_a_passport_survives_the_form() -> None:
    given = passport("agency", [{"name": "bin", "type": "string", "title_translated": {"kk": "БСН", "ru": "БИН"}}], ["bin"])

    told = Passport.model_validate(forms.described(forms.values_of(given)))

    assert told.title.words() == given["title"]
    assert told.description.words() == given["description"]
    assert told.keywords.words() == given["keywords"]
    assert told.responsible is not None
    assert told.responsible.name.words() == given["responsible"]["name"]
    assert (told.owner, told.category, told.periodicity) == ("agency", "education", "YEARLY")
    assert told.table_schema.descriptor() == {
        "fields": [
            {
                "name": "bin",
                "type": "string",
                "title_translated": {"kk": "БСН", "ru": "БИН"},
                "constraints": {"required": True},
            }
        ],
        "primaryKey": ["bin"],
    }


def test_rows_of_columns_without_a_name_are_passed_over() -> None:
    values = {
        "columns.0.name": "a",
        "columns.1.name": " ",
        "columns.1.type": "date",
        "columns.2.name": "b",
        "columns.2.type": "date",
    }

    assert forms.described(values)["schema"] == {
        "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "date"}],
        "primaryKey": [],
    }


def test_what_the_form_does_not_show_is_kept_while_the_type_stays() -> None:
    known = {
        "fields": [
            {"name": "day", "type": "date", "format": "%d.%m.%Y", "constraints": {"required": True, "minimum": "01.01.2020"}},
            {"name": "sum", "type": "number", "constraints": {"minimum": 0}},
        ],
        "missingValues": ["", "-"],
    }
    sent = {"fields": [{"name": "day", "type": "date"}, {"name": "sum", "type": "string"}], "primaryKey": []}

    assert forms.keep_unseen(sent, known) == {
        "fields": [
            {"name": "day", "type": "date", "format": "%d.%m.%Y", "constraints": {"minimum": "01.01.2020"}},
            {"name": "sum", "type": "string"},
        ],
        "missingValues": ["", "-"],
        "primaryKey": [],
    }


def test_allowed_values_and_patterns_go_through_the_form() -> None:
    fields = [
        {"name": "bin", "type": "string", "constraints": {"required": True, "pattern": "[0-9]{12}"}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["мектеп", "лицей, гимназия"]}},
    ]
    values = forms.columns_as_values(fields, [])
    assert values["columns.1.enum"] == "мектеп; лицей, гимназия"
    assert forms.described(values)["schema"]["fields"] == fields


def test_allowed_values_that_nobody_changed_stay_what_they_were() -> None:
    rules = ({"enum": [1, 2]}, {"enum": ["a;b", "c"]}, {"enum": [True]})
    fields = [
        {"name": name, "type": kind, "constraints": rule}
        for name, kind, rule in zip("abc", ("integer", "string", "boolean"), rules, strict=True)
    ]
    values = forms.columns_as_values(fields, [])

    def kept(**changed: str) -> list[object]:
        sent = forms.described(values | {name.replace("__", "."): text for name, text in changed.items()})["schema"]
        return [field["constraints"]["enum"] for field in forms.keep_unseen(sent, {"fields": fields})["fields"]]

    assert kept() == [[1, 2], ["a;b", "c"], [True]]
    assert kept(columns__0__enum="1; 3") == [["1", "3"], ["a;b", "c"], [True]]


def refers(column: str | list[str], uri: str, code: str | list[str] = "code") -> dict[str, Any]:
    return {"fields": column, "reference": {"resource": uri, "fields": code}}


def test_reference_tables_go_through_the_form_and_what_it_does_not_tell_of_is_kept() -> None:
    fields = [{"name": name, "type": "string"} for name in "abc"]
    unseen = [refers(["a", "b"], "pairs", ["x", "y"]), refers("c", "")]
    known = {"fields": fields, "foreignKeys": [refers("a", "regions", "kato"), *unseen]}
    values = forms.columns_as_values(fields, [], forms.references_of(known))
    assert [values[f"columns.{n}.reference"] for n in range(3)] == ["regions", "", "#code"]

    def kept(**changed: str) -> list[object]:
        sent = values | {f"columns.{'abc'.index(name)}.reference": uri for name, uri in changed.items()}
        schema = forms.keep_unseen(forms.described(sent)["schema"], known, chosen=forms.references_in(sent))
        return schema["foreignKeys"]

    assert kept() == known["foreignKeys"], "the column of the codes stays, which the form does not show"
    assert kept(a="kinds") == [*unseen, refers("a", "kinds")]
    assert kept(a="", b="kinds") == [*unseen, refers("b", "kinds")]
    silent = {name: text for name, text in values.items() if not name.endswith("reference")}
    schema = forms.keep_unseen(forms.described(silent)["schema"], known, chosen=forms.references_in(silent))
    assert schema["foreignKeys"] == known["foreignKeys"]


def test_columns_come_from_a_messy_file_as_a_person_would_describe_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = ("БСН;Сомасы;Күні", "000140000012;1 250,5;31.01.2026", "990240000415;7;2026-02-01", "Барлығы;1 257,5;")
    path.write_text("\n".join(rows), encoding="utf-8")

    assert proposal.proposed(path)["fields"] == [
        {"name": "bsn", "title_translated": {"kk": "БСН"}, "type": "string", "constraints": {"pattern": r"\d{12}"}},
        {"name": "somasy", "title_translated": {"kk": "Сомасы"}, "type": "number"},
        {"name": "kuni", "title_translated": {"kk": "Күні"}, "type": "date"},
    ]
