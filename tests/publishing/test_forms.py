"""The passport's form says the same as the passport."""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "20", "-3"], "integer"),
        (["1.5", "2"], "number"),
        (["2026-01-31", ""], "date"),
        (["000140000012", "000140000092"], "string"),
        (["140000012", "012"], "string"),
        (["161140023016", "980540000397"], "string"),
        (["161140023016", "98054000039"], "number"),
        (["31.01.2026"], "string"),
        (["да", "нет"], "string"),
        (["", None], "string"),
    ],
)
def test_a_code_stays_text_and_only_what_is_certain_gets_a_type(cells: list[str | None], kind: str) -> None:
    assert proposal.kind_of(cells) == kind
