"""A column that is marked as looked up has an index in CKAN's DataStore; the key has one in any case."""

from __future__ import annotations

import random
from typing import Any, get_args

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.datastore.backend.postgres import get_write_engine
from ckanext.kzopen.publishing import datasets, jobs, settle
from ckanext.kzopen.publishing.forms import described, keep_unseen, values_of
from ckanext.kzopen.publishing.passport import FieldType
from ckanext.kzopen.rows import current
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.cli import kzopen_rows
from ckanext.kzopen.rows.shapes import NESTED, indexes
from ckanext.kzopen.validation.lengths import looked_up
from click.testing import CliRunner
from sqlalchemy import text

from tests.publishing.conftest import Agency, Answer, Api, passport
from tests.publishing.test_staff_pages import Browser, page
from tests.search.conftest import until

BODY = "bin,name,pupils\n000140000012,№1 мектеп,640\n".encode()


def letters(size: int) -> str:
    """A text of so many bytes that cannot be packed."""
    chosen = random.Random(size)
    return "".join(chr(chosen.randrange(0x430, 0x52F)) for _ in range(size // 2))


def fields(**marks: Any) -> list[Answer]:
    """Three columns; `marks` gives what stands at `indexed`, by column."""
    kinds = {"bin": "string", "name": "string", "pupils": "integer"}
    return [{"name": name, "type": kind} | ({"indexed": marks[name]} if name in marks else {}) for name, kind in kinds.items()]


def indexed(uri: str) -> dict[str, bool]:
    """The columns of the data set's table in DataStore that have an index of their own, and whether it is unique."""
    wanted = text(
        "SELECT attname, indisunique FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
        "WHERE indrelid = to_regclass(:name) AND NOT starts_with(attname, '_')"
    )
    name = f'"{model.Package.get(uri).resources[0].id}"'
    with get_write_engine().connect() as connection:
        return {str(column): bool(unique) for column, unique in connection.execute(wanted, {"name": name})}


@pytest.mark.parametrize("said", [{"name": True, "pupils": True}, {"name": True}, {"pupils": False}, {}])
def test_a_marked_column_is_indexed_in_datastore(api: Api, agency: Agency, uri: str, said: dict[str, bool]) -> None:
    name = f"marked-{uri}"
    made = api.put(name, passport(agency.name, fields(**said), ["bin"]))
    assert made.status_code == 201, made.json

    assert api.delivery(name, BODY)["state"] == "accepted"

    assert indexed(name) == {"bin": True} | {column: False for column, marked in said.items() if marked}
    told = api.get(f"/datasets/{name}").json["schema"]["fields"]
    assert [field.get("indexed") for field in told] == [said.get(name) for name in ("bin", "name", "pupils")]


@pytest.mark.timeout(120)
def test_a_column_that_is_marked_later_gets_its_index_while_nobody_waits(
    app: CKANTestApp, api: Api, agency: Agency, uri: str
) -> None:
    name = f"later-{uri}"
    assert api.put(name, passport(agency.name, fields(), ["bin"])).status_code == 201
    assert api.delivery(name, BODY)["state"] == "accepted"
    with app.flask_app.test_request_context():
        assert (name, "name") not in set(current.misindexed(model.Session()))

    assert api.put(name, passport(agency.name, fields(name=True), ["bin"])).status_code == 200

    until(lambda: indexed(name) == {"bin": True, "name": False})


@pytest.mark.timeout(120)
def test_a_column_whose_mark_is_taken_away_loses_its_index(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    name = f"unmarked-{uri}"
    assert api.put(name, passport(agency.name, fields(bin=True, name=True, pupils=True), ["bin"])).status_code == 201
    assert api.delivery(name, BODY)["state"] == "accepted"
    assert indexed(name) == {"bin": True, "name": False, "pupils": False}

    assert api.put(name, passport(agency.name, fields(pupils=True), ["bin"])).status_code == 200

    until(lambda: indexed(name) == {"bin": True, "pupils": False})


@pytest.mark.timeout(120)
def test_an_index_whose_removal_was_given_up_is_told_and_goes_after_the_next_delivery(
    app: CKANTestApp, api: Api, agency: Agency, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"left-{uri}"
    assert api.put(name, passport(agency.name, fields(name=True), ["bin"])).status_code == 201
    assert api.delivery(name, BODY)["state"] == "accepted"
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "defer_indexes", lambda session, package: None)
        assert api.put(name, passport(agency.name, fields(), ["bin"])).status_code == 200
    with app.flask_app.test_request_context():
        assert (name, "name") in set(current.misindexed(model.Session()))
    assert indexed(name) == {"bin": True, "name": False}

    for pupils in (b"641", b"642"):
        assert api.delivery(name, BODY.replace(b"640", pupils), "?mode=upsert")["state"] == "accepted"

    until(lambda: indexed(name) == {"bin": True})


def test_a_missing_index_is_told_and_one_that_cannot_be_made_is_given_up(
    app: CKANTestApp, api: Api, agency: Agency, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "defer_indexes", lambda session, package: None)
    monkeypatch.setattr(settle, "defer_indexes", lambda session, package: None)
    name = f"untold-{uri}"
    assert api.put(name, passport(agency.name, fields(), ["bin"])).status_code == 201
    assert api.delivery(name, BODY + f"000140000092,{letters(3_000)},1\n".encode())["state"] == "accepted"
    assert api.put(name, passport(agency.name, fields(name=True, pupils=True), ["bin"])).status_code == 200

    with app.flask_app.test_request_context():
        version = versions.latest(model.Session(), name)
        assert version is not None
        assert [one for one in current.misindexed(model.Session()) if one[0] == name] == [(name, "name"), (name, "pupils")]
        assert " columns with an index missing or left over (" in CliRunner().invoke(kzopen_rows, ["check"]).output

        for _ in range(2):
            jobs.make_indexes(version.package_id)

            assert [one for one in current.misindexed(model.Session()) if one[0] == name] == [(name, "name")]
    assert indexed(name) == {"bin": True, "pupils": False}


def test_what_is_neither_yes_nor_no_is_refused(api: Api, agency: Agency, uri: str) -> None:
    answer = api.put(f"odd-{uri}", passport(agency.name, fields(name="btree"), ["bin"]))

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == ["schema.fields.1.indexed"]


def test_the_form_marks_a_column_and_takes_the_mark_away() -> None:
    known = passport("agency", fields(name=True), ["bin"])
    values = values_of(known)
    assert [values[f"columns.{n}.indexed"] for n in range(3)] == ["", "1", ""]
    sent = {**values, "columns.1.indexed": "", "columns.2.indexed": "1"}

    schema = keep_unseen(described(sent)["schema"], known["schema"])

    assert [field.get("indexed") for field in schema["fields"]] == [None, None, True]


@pytest.mark.parametrize(("language", "words"), [("kk", "Ізделетін"), ("ru", "Для поиска"), ("en", "Looked up")])
def test_the_form_asks_in_the_readers_language(
    app: CKANTestApp, api: Api, agency: Agency, uri: str, language: str, words: str
) -> None:
    assert api.put(uri, passport(agency.name, fields(name=True), ["bin"])).status_code == 200

    form = page(Browser(app, agency.user).get(f"/{language}/staff/datasets/{uri}/edit"))

    boxes = [form.select_one(f"input[type=checkbox][name='columns.{n}.indexed']") for n in range(3)]
    assert [box is not None and box.has_attr("checked") for box in boxes] == [False, True, False]
    assert [str(box["aria-label"]).split(",")[0] for box in boxes if box] == [words] * 3


@pytest.mark.parametrize("kind", get_args(FieldType))
@pytest.mark.parametrize("key", [["a"], ["b", "a"], "b", []], ids=str)
def test_values_are_measured_for_the_indexes_that_are_made(kind: str, key: Any) -> None:
    """Two packages of one layer say which those are."""
    schema = {"fields": [{"name": name, "type": kind, "indexed": True} for name in "bc"] + [{"name": "a"}], "primaryKey": key}
    types = {field["name"]: "jsonb" if field.get("type") in NESTED else "text" for field in schema["fields"]}
    assert looked_up(schema) == [list(index.fields) for index in indexes("table", schema, types)]
