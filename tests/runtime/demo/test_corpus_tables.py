"""The real tables of the corpus that have a passport: each is read, put in order as its hint says, and fits its schema."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from ckanext.kzopen.runtime.demo.corpus import open_corpus, table_items
from ckanext.kzopen.runtime.demo.loading import Outcome

pytestmark = pytest.mark.corpus
CRIME = "catalogue/datasets/crime_form_1M_Shymkent.xlsx"


def test_every_table_that_has_a_passport_is_read(corpus: Path) -> None:
    opened, refused = open_corpus(corpus), list[Outcome]()
    items = {item.uri: item for item in table_items(opened, refused.append)}

    assert not [outcome for outcome in refused if outcome.name in opened.hints["tables"]]
    assert sorted(items) == sorted(hint["uri"] for hint in opened.hints["tables"].values())
    assert len(items) == 57


def test_a_report_form_with_one_label_over_three_columns_gets_a_number_for_each(corpus: Path) -> None:
    opened = open_corpus(corpus)
    only = {CRIME: opened.hints["tables"][CRIME]}
    opened.hints["tables"].clear()
    opened.hints["tables"].update(only)

    (item,) = table_items(opened, lambda outcome: None)

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
