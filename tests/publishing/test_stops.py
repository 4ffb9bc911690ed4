"""The thresholds: how much a delivery may take away by itself."""

from __future__ import annotations

import pytest
from ckanext.kzopen.publishing.rules import Thresholds
from ckanext.kzopen.publishing.stops import Change, Stop, empties, is_covered, losses, told

USUAL = Thresholds()


def kinds(change: Change, allowed: Thresholds = USUAL) -> list[str]:
    return [stop.kind for stop in losses(change, allowed)]


@pytest.mark.parametrize(
    ("mode", "before", "sent", "kind"),
    [
        ("replace", 100, 49, ["loss"]),
        ("replace", 100, 50, []),
        ("replace", 0, 3, []),
        ("delete", 100, 51, ["loss"]),
        ("delete", 100, 50, []),
        ("append", 100, 1, []),
        ("upsert", 100, 1, []),
    ],
)
def test_losing_more_than_half_of_the_rows_stops(mode: str, before: int, sent: int, kind: list[str]) -> None:
    assert kinds(Change(mode, before, sent, ["a"], ["a"])) == kind


def test_losing_a_column_stops_a_replacement() -> None:
    assert losses(Change("replace", 10, 10, ["a", "b"], ["a"]), USUAL) == [Stop("columns", {"columns": ["b"]})]


def test_an_empty_replacement_is_told_apart_and_stops_where_that_is_asked_for() -> None:
    change = Change("replace", 10, 0, ["a"], ["a"])
    assert empties(change)
    assert kinds(change) == []  # it is refused altogether
    assert kinds(change, Thresholds(empty="quarantine")) == ["empty"]
    assert kinds(change, Thresholds(empty="allow")) == []
    assert not empties(Change("replace", 0, 0, [], ["a"]))
    assert not empties(Change("append", 10, 0, ["a"], ["a"]))


def test_a_data_set_may_have_thresholds_of_its_own() -> None:
    change = Change("replace", 100, 10, ["a", "b"], ["a"])
    assert kinds(change, Thresholds(loss=None, columns="allow")) == []
    assert kinds(change, Thresholds(loss=0.95)) == ["columns"]


def test_a_stop_is_told_in_the_readers_language() -> None:
    stop = Stop("personal", {"column": "iin", "what": "iin", "count": 3}).stored()
    assert told(stop, "ru")["sentence"] == "В столбце «iin», похоже, персональные данные (ИИН): значений – 3."
    assert told(stop, "kk")["sentence"] == "«iin» бағанында дербес деректер болуы мүмкін (ЖСН): 3 мән."


@pytest.mark.parametrize(
    ("kind", "seen", "now", "covered"),
    [
        ("loss", {"before": 10, "after": 4}, {"before": 100, "after": 40}, True),
        ("loss", {"before": 10, "after": 4}, {"before": 100, "after": 39}, False),
        ("columns", {"columns": ["a", "b"]}, {"columns": ["b"]}, True),
        ("columns", {"columns": ["b"]}, {"columns": ["a", "b"]}, False),
        ("empty", {"before": 10}, {"before": 100}, True),
        ("personal", {"column": "a", "what": "iin", "count": 3}, {"column": "a", "what": "iin", "count": 4}, True),
        ("personal", {"column": "a", "what": "iin", "count": 3}, {"column": "b", "what": "iin", "count": 3}, False),
    ],
)
def test_who_saw_a_stop_has_seen_a_smaller_one(
    kind: str, seen: dict[str, object], now: dict[str, object], covered: bool
) -> None:
    assert is_covered(Stop(kind, now), [Stop(kind, seen).stored()]) is covered
    assert not is_covered(Stop("retyped", {"columns": ["a"]}), [Stop("columns", {"columns": ["a"]}).stored()])
