"""The list of a source, read by a process that dies in it and by the one that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.discovery import discover
from ckanext.kzopen.publishing.harvest.kinds import AnyHarvester, Found, Page
from ckanext.kzopen.publishing.harvest.model import Item, Run
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.mortals import Death

PAGES = 5
MOST = 1000


class List:
    """Pages of two items each, all from the beginning: nobody can ask it for a place."""

    def __init__(self, dies: bool = False, again: int = 0) -> None:
        self._dies, self._again = dies, again

    def discover(self, _cursor: Any) -> Iterator[Page]:
        for number in [*range(PAGES), *[0] * self._again]:
            yield Page([Found(f"{number}-{place}") for place in range(2)])
        if self._dies:
            raise Death


def read(run: Run, pages: List) -> None:
    discover(model.Session(), run, cast(AnyHarvester, pages), MOST)


def stored(session: Session, run: Run) -> int:
    return session.scalar(select(func.count()).select_from(Item).where(Item.run_id == run.id)) or 0


def test_who_dies_after_the_last_page_is_followed_by_somebody_who_reads_it_all_again(run: Run) -> None:
    session = model.Session()
    with pytest.raises(Death):
        read(run, List(dies=True))
    session.rollback()
    assert (run.seen, run.complete) == (2 * PAGES, False)
    read(run, List())
    assert (run.seen, run.complete, stored(session, run)) == (2 * PAGES, True, 2 * PAGES)


def test_a_list_that_comes_to_its_beginning_again_is_left(run: Run) -> None:
    with pytest.raises(KzError) as raised:
        read(run, List(again=10))
    assert raised.value.code == "harvest.loops"
    assert stored(model.Session(), run) == 2 * PAGES


UNSTORABLE = {
    "nul": "a\0b",
    "half": "a\ud800b",
    "spelt": "a\\u0000b",
    "deep": [{"k\0ey": ["\0"]}],
    "not a number": float("nan"),
}


def test_what_the_database_cannot_store_is_left_out_of_a_list(run: Run) -> None:
    class Odd:
        def discover(self, _cursor: Any) -> Iterator[Page]:
            yield Page([Found("set\0-1", "v\0\udfff1", UNSTORABLE)], {"after": "\0x"})

    discover(model.Session(), run, cast(AnyHarvester, Odd()), MOST)
    session = model.Session()
    session.expire_all()
    item = session.scalars(select(Item).where(Item.run_id == run.id)).one()
    assert (item.guid, item.hash, run.cursor) == ("set-1", "v1", {"after": "x"})
    assert item.data == {"nul": "ab", "half": "ab", "spelt": "a\\u0000b", "deep": [{"key": [""]}], "not a number": "nan"}
