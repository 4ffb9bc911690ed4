"""Values are kept by period and agency, recomputable, and revised with a history when rows come late."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.figures import Figure, Period, Span, compute, registry
from ckanext.kzopen.core.figures.periods import latest_spans, span_of
from ckanext.kzopen.core.figures.series import revisions, series
from sqlalchemy import text

from tests.core.agencies.conftest import act
from tests.publishing.conftest import new_agency

DAY = date(2026, 3, 5)
WORDS = {"kk": "Сынақ", "ru": "Проба", "en": "Trial"}


class Rows:
    """What a section would have in its tables."""

    def __init__(self) -> None:
        self.by_day: dict[date, dict[str, int]] = {}

    def values(self, _session: Any, span: Span) -> dict[str, int]:
        found: dict[str, int] = {}
        for day, values in self.by_day.items():
            if span.start <= day < span.end:
                for agency, value in values.items():
                    found[agency] = found.get(agency, 0) + value
        return found

    def behind(self, _session: Any, span: Span, agencies: frozenset[str] | None) -> list[dict[str, Any]]:
        chosen = [(day, one) for day in self.by_day for one in self.by_day[day] if span.start <= day < span.end]
        return [{"day": day, "agency": one} for day, one in chosen if agencies is None or one in agencies]


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def figure(rows: Rows) -> Iterator[Figure]:
    made = Figure(f"trial_{uuid4().hex[:8]}", WORDS, WORDS, Period.DAY, rows.values, rows.behind)
    registry.register(made)
    yield made
    registry._figures.pop(made.name)
    for table in ("figure_value", "figure_revision"):
        model.Session.execute(text(f"DELETE FROM kzopen.{table} WHERE figure = :f"), {"f": made.name})
    model.Session.commit()
    model.Session.remove()


def keep(figure: Figure, start: date, day: date) -> list[compute.Difference]:
    found = compute.keep(model.Session(), figure, span_of(figure.period, start), day)
    model.Session.commit()
    return found


def test_spans_of_all_periods() -> None:
    assert [(span.start, span.end) for span in latest_spans(Period.QUARTER, DAY, 2)] == [
        (date(2025, 10, 1), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2026, 4, 1)),
    ]
    assert span_of(Period.MONTH, DAY) == Span(date(2026, 3, 1), date(2026, 4, 1))
    assert span_of(Period.YEAR, DAY) == Span(date(2026, 1, 1), date(2027, 1, 1))


def test_a_value_grows_while_its_period_runs_and_that_is_no_revision(figure: Figure, rows: Rows) -> None:
    today = compute.today()
    rows.by_day[today] = {"a": 1}
    keep(figure, today, today)
    rows.by_day[today] = {"a": 5, "b": 2}
    keep(figure, today, today)

    (point,) = series(model.Session(), figure.name)
    assert (point.value, point.revised) == (Decimal(7), None)
    assert revisions(model.Session(), figure.name, today) == []


def test_late_rows_revise_a_finished_value_and_the_old_one_stays_in_the_history(figure: Figure, rows: Rows) -> None:
    yesterday = compute.today() - timedelta(days=1)
    rows.by_day[yesterday] = {"a": 3}
    keep(figure, yesterday, compute.today())
    assert revisions(model.Session(), figure.name, yesterday) == []
    rows.by_day[yesterday] = {"a": 4}

    keep(figure, yesterday, compute.today())

    (point,) = series(model.Session(), figure.name)
    assert (point.value, point.revised is not None) == (Decimal(4), True)
    (change,) = revisions(model.Session(), figure.name, yesterday)
    assert (change["agency"], change["old"], change["new"]) == ("a", Decimal(3), Decimal(4))


def test_computing_again_gives_the_same_or_says_what_differs(figure: Figure, rows: Rows) -> None:
    days = [compute.today() - timedelta(days=n) for n in range(4)]
    for number, day in enumerate(days):
        rows.by_day[day] = {"a": number + 1}
        keep(figure, day, compute.today())
    assert list(compute.recomputed(model.Session(), figure)) == []

    model.Session.execute(
        text("UPDATE kzopen.figure_value SET value = 99 WHERE figure = :f AND start = :s AND agency = 'a'"),
        {"f": figure.name, "s": days[2]},
    )

    (found,) = compute.recomputed(model.Session(), figure)
    assert (found.start, found.agency, found.old, found.new) == (days[2], "a", Decimal(99), Decimal(3))
    model.Session.rollback()


def test_an_agency_is_shown_with_those_that_it_succeeded(figure: Figure, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    today = compute.today()
    rows.by_day[today] = {"old": 2, "new": 3, "other": 10}
    keep(figure, today, today)
    monkeypatch.setattr("ckanext.kzopen.core.figures.series.agencies_behind", lambda _s, one: frozenset({one, "old"}))

    assert series(model.Session(), figure.name, "new")[0].value == Decimal(5)
    assert series(model.Session(), figure.name)[0].value == Decimal(15)


def test_figures_go_over_to_the_successor_with_a_liquidation(app: CKANTestApp, figure: Figure, rows: Rows) -> None:
    old, new, other = new_agency(app), new_agency(app), new_agency(app)
    today = compute.today()
    rows.by_day[today] = {old.id: 2, new.id: 3, other.id: 10}
    keep(figure, today, today)
    assert series(model.Session(), figure.name, new.id)[0].value == Decimal(3)

    with app.flask_app.test_request_context():
        act("agency_liquidate", id=old.id, successor=new.id)

    assert series(model.Session(), figure.name, new.id)[0].value == Decimal(5)
    assert series(model.Session(), figure.name, old.id)[0].value == Decimal(2)
    assert app.get(f"/api/figures/v1/{figure.name}?agency={new.name}").json["values"][0]["value"] == 5


def test_the_api_tells_the_list_the_series_and_the_rows_behind(app: CKANTestApp, figure: Figure, rows: Rows) -> None:
    today = compute.today()
    rows.by_day[today] = {"a": 2}
    rows.by_day[today - timedelta(days=1)] = {"a": 1}
    for day in rows.by_day:
        keep(figure, day, today)

    listed = app.get("/api/figures/v1").json["figures"]
    assert {"views", "downloads", "api_calls", "versions_published", figure.name} <= {one["name"] for one in listed}
    told = app.get(f"/api/figures/v1/{figure.name}").json
    assert [(one["start"], one["value"]) for one in told["values"]] == [
        (today.isoformat(), 2),
        ((today - timedelta(days=1)).isoformat(), 1),
    ]
    assert len(app.get(f"/api/figures/v1/{figure.name}?from={today}").json["values"]) == 1
    table = list(csv.reader(io.StringIO(app.get(f"/api/figures/v1/{figure.name}.csv").data.decode())))
    assert table[:2] == [["start", "value", "revised"], [today.isoformat(), "2", ""]]
    behind = app.get(f"/api/figures/v1/{figure.name}/rows?start={today}").json
    assert behind["rows"] == [{"day": today.isoformat(), "agency": "a"}]
    assert app.get(f"/api/figures/v1/{figure.name}?from=yesterday", status=400).json["code"] == "figures.bad_day"
    assert app.get(f"/api/figures/v1/{figure.name}?agency=none", status=404).json["code"] == "figures.unknown_agency"
    assert app.get("/api/figures/v1/none", status=404).json["code"] == "figures.unknown"


def test_the_pages_are_tables_in_the_readers_form(app: CKANTestApp, figure: Figure, rows: Rows) -> None:
    today = compute.today()
    rows.by_day[today] = {"a": 1234567}
    keep(figure, today, today)

    index = app.get("/ru/figures").data.decode()
    page = app.get(f"/ru/figures/{figure.name}").data.decode()

    for shown in (index, page):
        assert "1\u00a0234\u00a0567" in shown
        assert "Проба" in shown
        assert f"{today:%d.%m.%Y}" in shown
