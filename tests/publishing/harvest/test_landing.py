"""An item on its way, by a process that dies in it and by the one that goes on."""

from __future__ import annotations

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


def test_who_dies_once_an_item_is_published_is_followed_by_somebody_who_knows_whose_it_is(
    run: Run, harvest: Harvest, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.fill(1)
    session = model.Session()
    with visiting.visit(session, session.get_one(Source, run.source_id), run) as visit:
        discover(session, run, visit.harvester, 10)
        item = session.scalars(select(Item).where(Item.run_id == run.id)).one()
        run.state = "fetching"
        session.commit()
        with monkeypatch.context() as patch:
            patch.setattr(together, "update", dies)
            with pytest.raises(Death):
                landing.land(visit, item)
        session.rollback()
        assert item.outcome is None

        landing.land(visit, item)

    assert item.outcome == "added"
    assert len(harvest.rows({"uri": item.uri})) == 4


def test_who_dies_before_it_is_noted_what_was_published_is_followed_by_somebody_who_publishes_it_no_more(
    run: Run, harvest: Harvest, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.fill(1)
    monkeypatch.setattr(landing.first, "ready", lambda *_: None)  # step by step, as large tables go
    session = model.Session()
    with visiting.visit(session, session.get_one(Source, run.source_id), run) as visit:
        discover(session, run, visit.harvester, 10)
        item = session.scalars(select(Item).where(Item.run_id == run.id)).one()
        with monkeypatch.context() as patch:
            patch.setattr(landing, "_outcome", dies)
            with pytest.raises(Death):
                landing.land(visit, item)
        session.rollback()
        assert item.outcome is None

        landing.land(visit, item)

    assert item.outcome == "added"
    assert len(harvest.rows({"uri": item.uri})) == 4
    assert len(session.scalars(select(Delivery).where(Delivery.uri == item.uri)).all()) == 1
