"""Catalogues whose total is none, or that change while they are read: nothing is withdrawn for it."""

from __future__ import annotations

import pytest

from tests.harvesters.egov_portal import Portal
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Handler, Thing, send, table

SETS = 12
"""A page and two."""


def egov(harvest: Harvest, catalogue: Catalogue) -> Portal:
    """A portal whose data sets are all published."""
    portal = Portal(catalogue, SETS)
    harvest.ready("egov", {"address": catalogue.url})
    assert counts(harvest.run())["added"] == SETS
    return portal


def test_what_lies_behind_a_total_that_is_too_low_is_read_and_not_withdrawn(harvest: Harvest, catalogue: Catalogue) -> None:
    egov(harvest, catalogue).total = 9
    run = harvest.run()
    assert counts(run) == {"seen": SETS, "added": 0, "changed": 0, "unchanged": SETS, "removed": 0, "failed": 0}


def test_a_portal_that_loses_a_data_set_while_it_is_read_withdraws_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = egov(harvest, catalogue)
    portal.after_page[1] = lambda: portal.sets.pop("opendata_api_uri3")
    run = harvest.run()
    assert (run["state"], run["complete"], run["removed"]) == ("finished", False, 0)
    again = harvest.run()
    assert (again["complete"], again["removed"]) == (True, 1), "the next run sees what is really gone"


def test_a_portal_that_grows_while_it_is_read_withdraws_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    """More are given than were told at first; one may have been skipped all the same."""
    portal = egov(harvest, catalogue)

    def changed() -> None:
        del portal.sets["opendata_api_uri3"]
        portal.sets |= {f"opendata_api_uri{number}": "2026-01-01T00:00:00.000" for number in range(20, 23)}

    portal.after_page[1] = changed
    run = harvest.run()
    assert (run["complete"], run["removed"], run["error"]) == (False, 0, "harvest.list_changed")


@pytest.mark.parametrize("stumbles", [False, True], ids=["", "and is away for a moment"])
def test_an_api_whose_total_changes_between_pages_withdraws_nothing(
    harvest: Harvest, catalogue: Catalogue, stumbles: bool
) -> None:
    catalogue.fill(SETS)
    harvest.ready("json_api", catalogue.settings())
    assert counts(harvest.run())["added"] == SETS

    def shrinks(handler: Handler) -> None:
        del catalogue.instead["/list?page=1"]
        send(handler, 200, catalogue.page(1), "application/json")
        del catalogue.things["set-003"]
        catalogue.things |= {f"set-{number:03d}": Thing(table(3, number)) for number in (50, 51)}
        if stumbles:
            catalogue.instead["/list?page=3"] = stumble

    def stumble(handler: Handler) -> None:
        del catalogue.instead["/list?page=3"]
        send(handler, 502, b"not now")

    catalogue.instead["/list?page=1"] = shrinks
    run = harvest.run()
    assert (run["complete"], run["removed"], run["error"]) == (False, 0, "harvest.list_changed")
    assert "/list?page=3" not in catalogue.instead
