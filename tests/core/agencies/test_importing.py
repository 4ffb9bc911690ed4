"""Importing a table of agencies: a preview, errors by row, and nothing new the second time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core.agencies import names, tree
from ckanext.kzopen.runtime.agencies import table

from tests.core.agencies.conftest import Make, act

Row = dict[str, Any]


@pytest.fixture
def mark(make: Make) -> Iterator[str]:
    """A beginning of addresses; what was imported under it is purged."""
    mark = f"t{uuid4().hex[:8]}"
    yield mark
    model.Session.rollback()
    for group in model.Session.query(model.Group).filter(model.Group.name.like(f"{mark}%")).all():
        act("organization_purge", id=group.id)


def rows_of(mark: str) -> list[Row]:
    return [
        {"row": 2, "address": f"{mark}-low", "title": {"ru": f"Нижнее {mark}"}, "parent": f"Верхнее {mark}"},
        {"row": 3, "address": f"{mark}-top", "title": {"kk": f"Жоғарғы {mark}", "ru": f"Верхнее {mark}"}, "kind": "ministry"},
    ]


def done(rows: list[Row], **more: Any) -> dict[int, tuple[str, ...] | str]:
    steps = act("agency_import", rows=rows, **more)
    return {step["row"]: step["error"]["code"] if step["error"] else tuple(step["does"]) for step in steps}


def test_a_preview_says_what_would_be_done_and_does_nothing(mark: str) -> None:
    assert done(rows_of(mark)) == {3: ("create",), 2: ("create",)}
    assert model.Group.get(f"{mark}-top") is None


def test_agencies_are_made_with_those_above_first_and_only_once(mark: str) -> None:
    assert done(rows_of(mark), commit=True) == {3: ("create",), 2: ("create",)}
    low, top = model.Group.get(f"{mark}-low"), model.Group.get(f"{mark}-top")
    assert tree.ancestors(model.Session, low.id) == (top.id,)
    assert names.name_of(model.Session, top.id) == {"kk": f"Жоғарғы {mark}", "ru": f"Верхнее {mark}"}
    assert done(rows_of(mark), commit=True) == {3: (), 2: ()}


def test_what_differs_is_changed_and_what_is_empty_stays(mark: str) -> None:
    done(rows_of(mark), commit=True)
    changed = {"row": 2, "address": f"{mark}-low", "title": {"en": "Low"}, "bin": "000140000449", "kato": "710000000"}
    assert done([changed], commit=True) == {2: ("rename", "update")}
    low = act("agency_show", id=f"{mark}-low")
    assert low["title"] == {"ru": f"Нижнее {mark}", "en": "Low"}
    assert (low["bin"], low["kato"], [each["address"] for each in low["above"]]) == (
        "000140000449",
        "710000000",
        [f"{mark}-top"],
    )
    by_number = {"row": 9, "title": {"ru": "Совсем другое"}, "bin": "000140000449"}
    assert done([by_number]) == {9: ("rename",)}


def test_wrong_rows_are_told_and_the_others_are_done(mark: str) -> None:
    row = {"title": {"ru": "Имя"}}
    rows = [
        {"row": 2, "address": f"{mark}-good", **row},
        {"row": 3, "address": f"{mark}-good", **row},
        {"row": 4, "address": f"{mark}-a", **row, "bin": "000140000013"},
        {"row": 5, "address": f"{mark}-b", **row, "kind": "castle"},
        {"row": 6, "address": f"{mark}-c", **row, "parent": "nobody"},
        {"row": 7, "address": f"{mark}-d", **row, "kato": "7"},
        {"row": 8, "title": {}},
        {"row": 9, "address": f"{mark}-e", **row, "parent": f"{mark}-f"},
        {"row": 10, "address": f"{mark}-f", **row, "parent": f"{mark}-e"},
        {"row": 11, "address": f"{mark}-g", **row, "parent": f"{mark}-c"},
    ]
    assert done(rows, commit=True) == {
        2: ("create",),
        3: "agencies.repeated",
        4: "agencies.bin_wrong",
        5: "agencies.kind_unknown",
        6: "agencies.parent_unknown",
        7: "agencies.kato_wrong",
        8: "agencies.name_missing",
        9: "agencies.circle",
        10: "agencies.circle",
        11: "agencies.parent_wrong",
    }
    assert model.Group.get(f"{mark}-good") is not None


def test_a_csv_is_read_with_its_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "agencies.csv"
    path.write_text("﻿name_ru;name_kk;bin;parent\nМинфин;Қаржымин;000140000012;\n\nКомитет;;;Минфин\n", encoding="utf-8")
    assert table.read_rows(path) == [
        {"row": 2, "title": {"ru": "Минфин", "kk": "Қаржымин"}, "short": {}, "bin": "000140000012"},
        {"row": 4, "title": {"ru": "Комитет"}, "short": {}, "parent": "Минфин"},
    ]


def test_a_workbook_s_numbers_get_their_leading_zeros_back(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["name_ru", "bin", "kato", "since"])
    book.active.append(["Минфин", 140000012, 710000000, "2026-03-01"])
    book.save(tmp_path / "agencies.xlsx")
    row = table.read_rows(tmp_path / "agencies.xlsx")[0]
    assert (row["bin"], row["kato"], row["since"]) == ("000140000012", "710000000", "2026-03-01")


def test_a_table_with_unknown_columns_or_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agencies.csv"
    path.write_text("name_ru,colour\nМинфин,red\n", encoding="utf-8")
    with pytest.raises(table.NotATable, match="colour"):
        table.read_rows(path)
    path.write_bytes("name_ru\nМинфин\n".encode("cp1251"))
    with pytest.raises(table.NotATable, match="UTF-8"):
        table.read_rows(path)
