"""Tables that a portal like data.egov.kz changes while they are read: what is published was there at one moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harvesters.egov_portal import KEY, Portal
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue

SET = "opendata_api_uri0"
ROWS = 2
"""Rows in one request; the table has six."""
WAYS = pytest.mark.parametrize("key", ["", KEY], ids=["open", "with a key"])


@pytest.fixture
def portal(catalogue: Catalogue) -> Portal:
    made = Portal(catalogue, sets=1)
    made.rows_of_each = made.told = 3 * ROWS
    return made


def renewed(portal: Portal) -> None:
    """All rows have another value, and the passport another date."""
    portal.edition += 1
    portal.sets[SET] = f"2026-01-01T00:00:{portal.edition}.000"


def longer(portal: Portal) -> None:
    """A row more, and the same date."""
    portal.rows_of_each += 1
    portal.told += 1


def shifted(portal: Portal) -> None:
    """Rows come again that were given, as a row before them is new; and the passport has another date."""
    renewed(portal)
    portal.stable = False


def settled(portal: Portal) -> None:
    portal.stable = True


def harvested(harvest: Harvest, catalogue: Catalogue, key: str) -> tuple[str | None, list[list[str]]]:
    """The error of the only item, and its published rows."""
    harvest.add("egov", {"address": catalogue.url, "rows": ROWS} | ({"key": key} if key else {}))
    harvest.run("preview")
    harvest.post(f"/sources/{harvest.name}/switch_on")
    item = harvest.items(harvest.run())[0]
    return item["error"], harvest.rows(item)[1:] if item["outcome"] == "added" else []


def during_the_harvest(portal: Portal, *changes: Callable[[], None]) -> None:
    """The preview reads the table in four answers; then these happen, one after each further answer."""
    portal.after_rows = [lambda: None] * 3 + list(changes)


@WAYS
def test_a_table_that_is_renewed_between_its_pages_is_read_again(
    harvest: Harvest, catalogue: Catalogue, portal: Portal, key: str
) -> None:
    during_the_harvest(portal, lambda: renewed(portal))
    assert harvested(harvest, catalogue, key) == (None, [[str(n), f"{n}.51"] for n in range(1, 7)])


def test_a_table_whose_number_of_rows_changes_between_its_pages_is_read_again(
    harvest: Harvest, catalogue: Catalogue, portal: Portal
) -> None:
    portal.dated = False
    during_the_harvest(portal, lambda: longer(portal), lambda: renewed(portal))
    error, rows = harvested(harvest, catalogue, "")
    assert (error, len({kurs.split(".")[1] for _, kurs in rows}), len(rows)) == (None, 1, 7)


@WAYS
def test_rows_that_come_again_since_they_were_moved_are_no_loop(
    harvest: Harvest, catalogue: Catalogue, portal: Portal, key: str
) -> None:
    portal.sorts = False
    during_the_harvest(portal, lambda: None, lambda: shifted(portal), lambda: settled(portal))
    assert harvested(harvest, catalogue, key) == (None, [[str(n), f"{n}.51"] for n in range(1, 7)])


def test_a_new_version_between_the_pages_is_the_one_that_is_published(
    harvest: Harvest, catalogue: Catalogue, portal: Portal
) -> None:
    portal.versions, portal.dated = ("v1",), False

    def next_version() -> None:
        portal.versions = ("v1", "v2")

    during_the_harvest(portal, next_version)
    assert harvested(harvest, catalogue, KEY) == (None, [[str(n), f"{n}.v2"] for n in range(1, 7)])


@WAYS
def test_a_table_that_is_changed_whenever_it_is_read_fails_in_words(
    harvest: Harvest, catalogue: Catalogue, portal: Portal, key: str
) -> None:
    during_the_harvest(portal, *[lambda: renewed(portal)] * 100)
    assert harvested(harvest, catalogue, key) == ("harvest.table_changes", [])
    asked = [path for path in catalogue.requests(f"/api/{'v4' if key else 'detailed'}/{SET}") if "mapping" not in path]
    assert len(asked) == 4 + 3 * 4, "the preview read it once, the harvest three times"


def test_a_table_that_comes_at_once_is_asked_about_no_more(harvest: Harvest, catalogue: Catalogue, portal: Portal) -> None:
    harvest.add("egov", {"address": catalogue.url})
    harvest.run("preview")
    assert len(catalogue.requests("/meta/")) == 1
