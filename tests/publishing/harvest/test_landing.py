"""An item on its way, by a process that dies in it and by the one that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ckan import model
from ckanext.kzopen.publishing.harvest import landing, together, visiting
from ckanext.kzopen.publishing.harvest.discovery import discover
from ckanext.kzopen.publishing.harvest.model import Item, Run, Source
from ckanext.kzopen.publishing.model import Delivery
from sqlalchemy import select

from tests.mortals import Death, dies
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue


@contextmanager
def one_item(run: Run, catalogue: Catalogue) -> Iterator[tuple[landing.Visit, Item]]:
    """A visit to a catalogue of one data set, which was found."""
    catalogue.fill(1)
    session = model.Session()
    with visiting.visit(session, session.get_one(Source, run.source_id), run) as visit:
        discover(session, run, visit.harvester, 10)
        yield visit, session.scalars(select(Item).where(Item.run_id == run.id)).one()


def landed_after_a_death(visit: landing.Visit, item: Item, monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
    """Who lands the item dies where this function is called; the next one goes on."""
    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(Death):
            landing.land(visit, item)
    visit.session.rollback()
    assert item.outcome is None

    landing.land(visit, item)


def test_who_dies_once_an_item_is_published_is_followed_by_somebody_who_knows_whose_it_is(
    run: Run, harvest: Harvest, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with one_item(run, catalogue) as (visit, item):
        run.state = "fetching"
        visit.session.commit()
        landed_after_a_death(visit, item, monkeypatch, together, "update")

    assert item.outcome == "added"
    assert len(harvest.rows({"uri": item.uri})) == 4


def test_who_dies_before_it_is_noted_what_was_published_is_followed_by_somebody_who_publishes_it_no_more(
    run: Run, harvest: Harvest, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing.first, "ready", lambda *_: None)  # step by step, as large tables go
    with one_item(run, catalogue) as (visit, item):
        landed_after_a_death(visit, item, monkeypatch, landing, "_outcome")

    assert item.outcome == "added"
    assert len(harvest.rows({"uri": item.uri})) == 4
    assert len(model.Session().scalars(select(Delivery).where(Delivery.uri == item.uri)).all()) == 1
