"""A withdrawal goes on until every place says that the thing is out, and an order given twice is one order."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal import Order, Place, Thing, Withdrawal, places, register
from ckanext.kzopen.core.withdrawal.jobs import NotOut, spread_job
from ckanext.kzopen.core.withdrawal.order import order
from ckanext.kzopen.core.withdrawal.places import _places
from ckanext.kzopen.core.withdrawal.spread import spread
from ckanext.kzopen.core.withdrawal.tombstones import Gone, refuse_if_gone
from sqlalchemy import text
from sqlalchemy.orm import Session

LABEL = {"kk": "Сынақ орны", "ru": "Пробное место", "en": "Trial place"}
REASON = {"ru": "Опубликовано по ошибке"}


class Shelf:
    """A place that lets a thing go only when it is asked often enough."""

    def __init__(self, patience: int) -> None:
        self.held: dict[str, int] = {}
        self.patience = patience

    def put(self, thing: Thing) -> None:
        self.held[thing.id] = self.patience

    def take_out(self, _session: Session, thing: Thing) -> None:
        if thing.id in self.held:
            self.held[thing.id] -= 1
            if self.held[thing.id] <= 0:
                del self.held[thing.id]

    def is_out(self, _session: Session, thing: Thing) -> bool:
        return thing.id not in self.held


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A stubborn place among the portal's own."""
    made = Shelf(patience=2)
    register(Place("trial", LABEL, made.take_out, made.is_out))
    yield made
    _places.pop("trial")


@pytest.fixture
def thing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Thing]:
    """A thing of a kind that only this test knows; the worker is not told of it."""
    monkeypatch.setattr("ckanext.kzopen.core.jobs.defer", lambda *_args, **_kwargs: None)
    made = Thing("trial", uuid4().hex, "trial-thing", None, {"en": "Title"})
    shelf.put(made)
    yield made
    model.Session.rollback()
    model.Session.execute(text("DELETE FROM kzopen.withdrawal WHERE object_id = :id"), {"id": made.id})
    model.Session.commit()
    model.Session.remove()


def ordered(thing: Thing, reason: dict[str, str] | None = None) -> Withdrawal:
    row = order(model.Session(), thing, Order(REASON if reason is None else reason, "user-1"))
    model.Session.commit()
    return row


def test_it_is_repeated_until_every_place_is_without_it(thing: Thing) -> None:
    number = ordered(thing).id

    with pytest.raises(NotOut, match="trial"):
        spread_job(str(number))
    row = model.Session().get_one(Withdrawal, number)
    assert (row.state, "trial" in row.out_of) == ("spreading", False)

    spread_job(str(number))
    row = model.Session().get_one(Withdrawal, number)
    assert (row.state, set(row.out_of)) == ("complete", {place.name for place in places()})
    assert row.complete is not None


def test_taking_out_again_changes_nothing(thing: Thing) -> None:
    number = ordered(thing).id
    for _ in range(2):
        spread(model.Session(), number)
    complete = model.Session().get_one(Withdrawal, number).complete

    assert spread(model.Session(), number) == []
    assert model.Session().get_one(Withdrawal, number).complete == complete


def test_ordered_twice_the_first_order_stands(thing: Thing) -> None:
    first = ordered(thing)
    second = ordered(thing, {"ru": "Другая причина"})
    assert (second.id, second.reason) == (first.id, REASON)


def test_readers_are_told_the_reason_and_the_title_only_when_it_may_stay(thing: Thing) -> None:
    ordered(thing)
    with pytest.raises(Gone) as gone:
        refuse_if_gone(model.Session(), "trial", thing.id)
    assert gone.value.status == 410
    assert REASON["ru"] in gone.value.text("ru")
    assert gone.value.withdrawal.title is None


def test_an_order_without_a_reason_is_refused_and_leaves_nothing(thing: Thing) -> None:
    with pytest.raises(KzError) as refused:
        ordered(thing, {"kk": " "})
    model.Session.rollback()
    assert refused.value.code == "withdrawal.reason_missing"
    refuse_if_gone(model.Session(), "trial", thing.id)
