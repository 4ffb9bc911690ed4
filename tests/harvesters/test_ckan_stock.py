"""A stock CKAN: data sets with several tables, a total that is none, a catalogue that changes while it is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harvesters.ckan_portal import CkanPortal
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, says, table

SETS = 12


def harvested(harvest: Harvest, catalogue: Catalogue, **settings: object) -> CkanPortal:
    """A portal whose data sets, a page and two, are all published."""
    portal = CkanPortal(catalogue, SETS)
    harvest.ready("ckan", {"address": catalogue.url, **settings})
    assert counts(harvest.run())["added"] == SETS
    return portal


def test_each_table_of_a_data_set_is_an_item(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = CkanPortal(catalogue, 2)
    portal.formats["set-000"] = ("CSV", "PDF", "CSV")
    catalogue.instead["/file/set-000-2.csv"] = says(200, table(5, 7), "text/csv")
    harvest.ready("ckan", {"address": catalogue.url})
    run = harvest.run()
    assert counts(run) == {"seen": 3, "added": 3, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    assert run["complete"]
    items = {item["guid"]: item for item in harvest.items(run)}
    prefix = f"{harvest.name[-10:]}-"
    assert {guid: item["uri"].removeprefix(prefix) for guid, item in items.items()} == {
        "set-000": "set-000",
        "set-000/2": "set-000-2",
        "set-001": "set-001",
    }
    assert [len(harvest.rows(items[guid])) - 1 for guid in ("set-000", "set-000/2", "set-001")] == [3, 5, 3]
    assert catalogue.requests("/file/set-000-1") == [], "a PDF is no table"
    portal.formats["set-000"] = ("CSV", "PDF")
    assert counts(harvest.run())["unchanged"] == 2, "a third of all is gone, which a person decides"


def test_what_lies_behind_a_total_that_is_too_low_is_read_and_not_withdrawn(harvest: Harvest, catalogue: Catalogue) -> None:
    harvested(harvest, catalogue).count = 10
    run = harvest.run()
    assert counts(run) == {"seen": SETS, "added": 0, "changed": 0, "unchanged": SETS, "removed": 0, "failed": 0}


@pytest.mark.parametrize(
    "change",
    [
        lambda portal: portal.names.__delitem__(slice(2)),
        lambda portal: (portal.names.__delitem__(slice(2)), portal.add(2)),
        lambda portal: (portal.names.__delitem__(slice(8)), portal.add(3)),
    ],
    ids=["shrinks", "shrinks and grows", "shrinks below the page"],
)
def test_a_catalogue_that_changes_while_it_is_read_withdraws_nothing(
    harvest: Harvest, catalogue: Catalogue, change: Callable[[CkanPortal], object]
) -> None:
    """What was taken away moves the rest forward, so the next page begins behind data sets that no page had."""
    portal = harvested(harvest, catalogue)
    portal.after_page = [lambda: change(portal)]
    run = harvest.run()
    assert (run["state"], run["complete"], run["removed"]) == ("finished", False, 0)
    assert run["error"] in ("harvest.list_changed", "harvest.fewer_than_told")
    assert run["sentence"]


def test_a_catalogue_that_stays_as_it_is_loses_what_it_no_longer_has(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = harvested(harvest, catalogue, page=5)
    del portal.names[3]
    run = harvest.run()
    assert (run["complete"], run["removed"], run["error"]) == (True, 1, None)
