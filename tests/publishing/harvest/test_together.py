"""New data sets of a batch are published in one transaction; one that cannot be published keeps no other from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckanext.kzopen.publishing import first, inbox
from ckanext.kzopen.publishing.harvest import batches, landing, runs
from ckanext.kzopen.publishing.harvest.model import Held, Item, Run
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.rows import newborn
from sqlalchemy import select, text

from tests.publishing.harvest.conftest import Harvest, listed
from tests.publishing.harvest.source import Catalogue, Thing, table

TRANSACTIONS = text("SELECT count(DISTINCT xmin::text) FROM package WHERE name = ANY (:names)")


def work(run: Run) -> list[Item]:
    """The run's only batch, done: its items in order."""
    listed(run)
    session = model.Session()
    assert batches.work(session, run.id, 0)
    return list(
        session.scalars(
            select(Item).where(Item.run_id == run.id).order_by(Item.position).execution_options(populate_existing=True)
        )
    )


def told(items: list[Item]) -> list[tuple[str | None, str | None]]:
    return [(item.outcome, item.error) for item in items]


def test_new_data_sets_are_one_transaction(run: Run, harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(5)
    items = work(run)
    assert told(items) == [("added", None)] * 5
    session = model.Session()
    assert session.scalar(TRANSACTIONS, {"names": [item.uri for item in items]}) == 1
    for number, item in enumerate(items):
        delivery = session.get_one(Delivery, item.delivery_id)
        held = session.get_one(Held, (run.source_id, item.guid))
        assert (delivery.state, delivery.settled is not None, delivery.uri) == ("accepted", True, item.uri)
        assert (held.hash, held.content, held.uri) == (item.hash, delivery.sha256, item.uri)
        assert harvest.rows({"uri": item.uri})[1] == [f"k{number:03d}0000", "0"]


def test_there_are_never_more_than_a_transaction_can_hold_for_long(
    run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "AT_ONCE", 2)
    catalogue.fill(5)
    items = work(run)
    assert model.Session().scalar(TRANSACTIONS, {"names": [item.uri for item in items]}) == 3


def test_those_that_wait_for_long_are_published(run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LONGEST_WAIT", -1.0)
    catalogue.fill(3)
    items = work(run)
    assert model.Session().scalar(TRANSACTIONS, {"names": [item.uri for item in items]}) == 3


def test_two_items_with_one_name_keep_no_other_from_being_published(run: Run, harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(2)
    catalogue.things["SET-001"] = Thing(table(3, 7))
    catalogue.fill(1, begin=5)
    items = work(run)
    assert told(items) == [("added", None), ("added", None), ("failed", "harvest.uri_is_taken"), ("added", None)]
    assert harvest.rows({"uri": items[1].uri})[1] == ["k0010000", "0"]


def test_a_table_that_datastore_does_not_take_keeps_no_other_from_being_published(
    run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = newborn.create

    def refused(connection: Any, resource_id: str, rows: Any, **more: Any) -> None:
        if rows.column("code")[0].as_py() == "k0010000":
            raise ValueError(resource_id)
        create(connection, resource_id, rows, **more)

    monkeypatch.setattr(newborn, "create", refused)
    catalogue.fill(3)
    assert told(work(run)) == [("added", None), ("failed", "harvest.odd_item"), ("added", None)]


def test_those_of_a_run_that_was_ended_meanwhile_are_not_published(
    run: Run, harvest: Harvest, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[landing.Waiting] = []

    def begun(visit: Any, item: Item, before: Any) -> landing.Waiting | None:
        found = begin(visit, item, before)
        assert found is not None
        waiting.append(found)
        if len(waiting) == 2:
            runs.cancel(visit.session, run, harvest.agency.user)
            visit.session.commit()
        return found

    begin = landing.begin
    monkeypatch.setattr(landing, "begin", begun)
    catalogue.fill(2)
    items = work(run)
    assert told(items) == [("failed", "harvest.cancelled")] * 2
    assert [model.Package.get(one.ready.delivery.uri) for one in waiting] == [None, None]
    assert not any(Path(inbox.root(tk.config["kzopen.files_url"]) / one.ready.stored.path).exists() for one in waiting)


def test_an_item_that_a_person_ended_meanwhile_keeps_that_outcome(
    run: Run, harvest: Harvest, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = first.publish

    def ended(session: Any, *more: Any) -> None:
        publish(session, *more)
        session.commit()
        runs.cancel(session, run, harvest.agency.user)
        session.commit()

    monkeypatch.setattr(first, "publish", ended)
    catalogue.fill(2)
    assert told(work(run)) == [("failed", "harvest.cancelled")] * 2
    session = model.Session()
    session.refresh(run)
    assert (run.seen, run.added, run.failed) == (2, 0, 2)


def test_what_goes_step_by_step_does_not_overtake_those_that_wait(
    run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names go to whom the source has first."""
    waiting, publish = landing._waiting, landing._publish
    there: list[bool] = []

    def last_alone(visit: Any, item: Item, *more: Any) -> landing.Waiting | None:
        return None if item.guid == "set-002" else waiting(visit, item, *more)

    def looked(visit: Any, item: Item, *more: Any) -> None:
        if item.guid == "set-002":
            there.extend(model.Package.get(str(item.uri).replace("002", f"00{number}")) is not None for number in range(2))
        publish(visit, item, *more)

    monkeypatch.setattr(landing, "_waiting", last_alone)
    monkeypatch.setattr(landing, "_publish", looked)
    catalogue.fill(3)
    assert told(work(run)) == [("added", None)] * 3
    assert there == [True, True]


def test_a_small_file_with_many_values_goes_step_by_step(
    run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All values of those that are published together stand in the text of a statement."""
    made: list[int] = []
    monkeypatch.setattr(first, "CELLS", 3)
    monkeypatch.setattr(newborn, "create", lambda *_, **__: made.append(1))
    catalogue.fill(1)
    assert told(work(run)) == [("added", None)]
    assert made == []
