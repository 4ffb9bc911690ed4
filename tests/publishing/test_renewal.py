"""When a table is to be renewed, and that its agency is told in time."""

from __future__ import annotations

from datetime import date

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.renewal import due as due_of
from sqlalchemy import text

from tests.publishing.conftest import SCHOOLS, Agency, Api
from tests.publishing.test_staff_pages import Browser, page


@pytest.mark.parametrize(
    ("published", "periodicity", "due"),
    [
        (date(2026, 2, 28), "YEARLY", date(2027, 3, 1)),  # a Sunday is no last day
        (date(2026, 1, 31), "MONTHLY", date(2026, 3, 2)),
        (date(2026, 3, 18), "WEEKLY", date(2026, 3, 26)),  # after Nauryz
        (date(2026, 3, 18), "ONCE", None),
        (date(2026, 3, 18), "", None),
    ],
)
def test_a_table_is_due_after_its_period_on_a_working_day(published: date, periodicity: str, due: date | None) -> None:
    found = due_of(published, periodicity)

    assert (found and found.date) == due


def test_the_day_explains_itself_with_what_it_skipped_and_what_is_not_certain() -> None:
    """27 May 2026 is expected to be Kurban Ait, as the moon goes; the weekend follows three days later."""
    found = due_of(date(2026, 5, 20), "WEEKLY")

    assert found is not None
    assert (found.date, found.verified) == (date(2026, 5, 28), False)
    assert [day.date for day in found.skipped] == [date(2026, 5, 27)]
    assert "27.05.2026" in found.explanation["ru"]
    assert "не сверен" in found.explanation["ru"]


def published_days_ago(uri: str, days: int) -> None:
    model.Session.execute(text("ALTER TABLE kzopen.version DISABLE TRIGGER USER"))
    change = text("UPDATE kzopen.version SET created = now() - make_interval(days => :days) WHERE uri = :uri")
    model.Session.execute(change, {"uri": uri, "days": days})
    model.Session.execute(text("ALTER TABLE kzopen.version ENABLE TRIGGER USER"))
    model.Session.commit()


@pytest.mark.parametrize(("days", "group"), [(400, "overdue"), (361, "week"), (200, None)])
def test_a_renewal_that_is_due_is_a_task_of_the_agency(
    app: CKANTestApp, agency: Agency, api: Api, uri: str, days: int, group: str | None
) -> None:
    api.delivery(uri, SCHOOLS)
    published_days_ago(uri, days)

    soup = page(Browser(app, agency.user).get("/staff"))

    found = [section["class"] for section in soup.select(".tasks") if section.select_one(f"a[href$='{uri}/deliveries/new']")]
    assert [f"tasks-{group}" in classes for classes in found] == ([True] if group else [])
    told = soup.select_one(".task-why")
    assert bool(group) == (told is not None and "12 ай" in told.get_text())
