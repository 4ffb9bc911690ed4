"""The list of withdrawals beside the files: a database that does not know of one, as a restored backup, is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckanext.kzopen.core import files
from ckanext.kzopen.core.withdrawal import Kind, Order, Thing, Withdrawal, kept, kinds
from ckanext.kzopen.core.withdrawal.kinds import _kinds
from ckanext.kzopen.core.withdrawal.order import order
from ckanext.kzopen.core.withdrawal.places import holding
from ckanext.kzopen.core.withdrawal.spread import spread
from ckanext.kzopen.core.withdrawal.tombstones import tombstone
from sqlalchemy import text
from sqlalchemy.orm import Session

LABEL = {"kk": "Сынақ", "ru": "Проба", "en": "Trial"}
REASON = {"ru": "Опубликовано по ошибке"}


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, with_plugins: None) -> Iterator[dict[str, Thing]]:
    """Things of a kind that only this test knows, by name; the worker is told of nothing."""
    monkeypatch.setattr("ckanext.kzopen.core.jobs.defer", lambda *_args, **_kwargs: None)
    things: dict[str, Thing] = {}

    def find(_session: Session, reference: str) -> Thing | None:
        return next((thing for thing in things.values() if reference in (thing.id, thing.name)), None)

    kinds.register(Kind("shelf", LABEL, find))
    yield things
    _kinds.pop("shelf")
    model.Session.rollback()
    for thing in things.values():
        forget(thing)
    model.Session.remove()


@pytest.fixture
def thing(shelf: dict[str, Thing]) -> Thing:
    return put(shelf, "jar")


def put(shelf: dict[str, Thing], name: str, **parts: Any) -> Thing:
    made = Thing("shelf", f"{uuid4().hex}", f"{name}-{uuid4().hex[:8]}", None, {"en": "Jar"}, True, parts)
    shelf[made.name] = made
    return made


def forget(thing: Thing) -> None:
    """What a restored backup does to the tombstone of a later withdrawal."""
    model.Session.execute(text("DELETE FROM kzopen.withdrawal WHERE object_id = :id"), {"id": thing.id})
    model.Session.commit()


def withdrawn(thing: Thing) -> Withdrawal:
    row = order(model.Session(), thing, Order(REASON, "user-1", law="Article 7", keep_title=True))
    model.Session.commit()
    spread(model.Session(), row.id)
    return row


def listed(thing: Thing) -> list[dict[str, Any]]:
    return [one for one in kept.statements(tk.config["kzopen.files_url"]) if one["object_id"] == thing.id]


def test_a_withdrawal_is_complete_only_when_the_list_has_it(thing: Thing) -> None:
    row = order(model.Session(), thing, Order(REASON, "user-1"))
    model.Session.commit()
    assert [place.name for place in holding(model.Session(), thing)] == ["list"]
    assert spread(model.Session(), row.id) == []
    assert [one["reason"] for one in listed(thing)] == [REASON]


def test_a_list_that_was_lost_is_written_again(thing: Thing) -> None:
    row = withdrawn(thing)
    files.of(tk.config["kzopen.files_url"]).delete(f"{kept.FOLDER}/{row.id}.json")
    assert [place.name for place in holding(model.Session(), thing)] == ["list"]
    spread(model.Session(), row.id)
    assert len(listed(thing)) == 1


def test_what_the_database_does_not_know_of_is_withdrawn_again_with_its_first_moment(thing: Thing) -> None:
    row = withdrawn(thing)
    told, moment = listed(thing), row.at
    forget(thing)
    (again,) = kept.again(model.Session(), told)
    assert (again.object_id, again.reason, again.law, again.actor) == (thing.id, REASON, "Article 7", "user-1")
    assert (again.at, again.title, again.state) == (moment, {"en": "Jar"}, "spreading")
    assert again.at < datetime.now(UTC)
    assert list(kept.again(model.Session(), told)) == []


def test_what_is_not_there_or_is_another_thing_under_the_same_id_is_left_alone(shelf: dict[str, Thing]) -> None:
    """After a restored backup, numbers of versions are given again."""
    gone, version = put(shelf, "gone"), put(shelf, "version", sha256="aa")
    told = [one for thing in (gone, version) if withdrawn(thing) for one in listed(thing)]
    for thing in (gone, version):
        forget(thing)
    del shelf[gone.name]
    shelf[version.name] = Thing("shelf", version.id, version.name, None, {}, True, {"sha256": "bb"})
    assert list(kept.again(model.Session(), told)) == []
    assert tombstone(model.Session(), "shelf", version.id) is None


def test_a_list_is_found_where_the_guide_says(tmp_path: Path) -> None:
    told = dict.fromkeys(kept.TOLD) | {"at": "2026-03-05T00:00:00+00:00"}
    data = tmp_path / "old"
    (data / "files" / "withdrawn").mkdir(parents=True)
    (data / "files" / "withdrawn" / "one.json").write_text(json.dumps(told))
    (data / "kzopen-2026-03-05.tar.secrets.json").write_text("{}")
    for place in (data, data / "files", data / "files" / "withdrawn"):
        assert kept.statements_below(place) == [told]
    (tmp_path / "quiet" / "files").mkdir(parents=True)
    assert kept.statements_below(tmp_path / "quiet") == []
    with pytest.raises(ValueError, match="it holds no list"):
        kept.statements_below(tmp_path / "nowhere")


def test_a_file_that_is_no_list_is_refused() -> None:
    with pytest.raises(ValueError, match="no list of withdrawals"):
        kept.in_order(['{"kind": "dataset"}'])
