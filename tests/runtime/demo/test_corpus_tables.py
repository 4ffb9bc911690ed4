"""The real tables of the corpus that have a passport: each is read, put in order as its hint says, and fits its schema."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from ckanext.kzopen.runtime.demo.corpus import Corpus, open_corpus, table_items
from ckanext.kzopen.runtime.demo.loading import Item, Outcome

pytestmark = [pytest.mark.corpus, pytest.mark.long]
CRIME = "catalogue/datasets/crime_form_1M_Shymkent.xlsx"


Reading = tuple[Corpus, dict[str, Item], list[Outcome]]


@pytest.fixture(scope="module")
def reading(corpus: Path) -> Reading:
    """The corpus, its tables by address, and what was told of the others."""
    opened, refused = open_corpus(corpus), list[Outcome]()
    return opened, {item.uri: item for item in table_items(opened, refused.append)}, refused


def test_every_table_that_has_a_passport_is_read(reading: Reading) -> None:
    opened, items, refused = reading
    assert not [outcome for outcome in refused if outcome.name in opened.hints["tables"]]
    assert sorted(items) == sorted(hint["uri"] for hint in opened.hints["tables"].values())
    assert len(items) == 57


def test_what_must_not_be_shown_is_not_among_the_tables(reading: Reading) -> None:
    _, items, refused = reading
    assert {one.name for one in refused if "no licence" in one.reason} == {
        "appeals/kz_dialog_egov.csv",
        "appeals/kz_inquiries_sample.csv",
    }
    assert {"budget-republican", "legal-entities-bins", "agriculture-subsidy-applications"} <= items.keys()


def test_a_report_form_with_one_label_over_three_columns_gets_a_number_for_each(reading: Reading) -> None:
    opened, items, _ = reading
    item = items[opened.hints["tables"][CRIME]["uri"]]

    assert item.table is not None
    header, first, *rest = csv.reader(io.StringIO(item.table.body.decode()))
    assert header[:4] == [
        "Наименование показателей",
        "Наименование показателей (2)",
        "Наименование показателей (3)",
        "Шифр строки",
    ]
    assert first[3] != "Б"  # the row of column numbers is no data
    assert len(rest) + 1 == 422
