"""A large table that changes by few rows: changes are stored, every version stays readable, and DataStore follows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pyarrow.parquet as pq
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing import differences, settle
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import counting, current, deriving, duck, folding, reading, store, thinning
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.comparing import Difference
from ckanext.kzopen.rows.model import TableFile, Version
from sqlalchemy import select, text

from tests.publishing.conftest import Api, new_agency, passport

ROWS = 20_000

FIELDS = [{"name": "code", "type": "string"}, {"name": "name", "type": "string"}, {"name": "amount", "type": "integer"}]
Rows = dict[str, tuple[str, int]]


def body(rows: Rows) -> bytes:
    return ("code,name,amount\n" + "".join(f"{code},{name},{n}\n" for code, (name, n) in rows.items())).encode()


FIRST: Rows = {f"{n:05d}": (f"Мектеп {n}", n) for n in range(ROWS)}


@pytest.fixture
def table(app: CKANTestApp) -> Iterator[tuple[Api, str]]:
    """A data set of 20,000 rows."""
    agency = new_agency(app)
    api, uri = Api(app, agency.token), f"large-{uuid4().hex[:8]}"
    assert api.put(uri, passport(agency.name, FIELDS, ["code"])).status_code == 201
    assert api.delivery(uri, body(FIRST))["version"]["number"] == 1
    yield api, uri
    with app.flask_app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        tk.get_action("dataset_purge")({"ignore_auth": True, "user": site}, {"id": uri})


def expected(*changes: Rows) -> Rows:
    found = dict(FIRST)
    for change in changes:
        found |= change
    return found


def read(uri: str, number: int) -> Rows:
    session = model.Session()
    version = versions.numbered(session, uri, number)
    assert version is not None
    found = reading.table_of(session, configured().files_url, version).read()
    return {row["code"]: (row["name"], row["amount"]) for row in found.to_pylist()}


def in_datastore(app: CKANTestApp, uri: str, **more: str) -> dict[str, object]:
    resource = app.get(f"/api/3/action/package_show?id={uri}").json["result"]["resources"][0]["id"]
    query = "&".join(f"{name}={value}" for name, value in more.items())
    found: dict[str, object] = app.get(f"/api/3/action/datastore_search?resource_id={resource}&{query}").json["result"]
    return found


def files(uri: str) -> list[tuple[int | None, int, int]]:
    package = model.Package.get(uri)
    found = model.Session().scalars(select(TableFile).where(TableFile.package_id == package.id).order_by(TableFile.id))
    return [(file.since, file.number, file.rows) for file in found]


ONE: Rows = {"00003": ("Гимназия", 1), "99999": ("Жаңа мектеп", 7)}
TWO: Rows = {"99999": ("Лицей", 8)}


def test_an_upsert_is_stored_as_a_change_and_every_version_stays_readable(app: CKANTestApp, table: tuple[Api, str]) -> None:
    api, uri = table

    first = api.delivery(uri, body(ONE | {"00004": FIRST["00004"]}), "?mode=upsert")
    second = api.delivery(uri, body(TWO), "?mode=upsert")

    assert (first["added"], first["changed"], first["unchanged"]) == (1, 1, ROWS - 1)
    assert (second["version"]["parent"], second["version"]["rows"]) == (2, ROWS + 1)
    assert files(uri) == [(None, 1, ROWS), (1, 2, 3), (2, 3, 1)]
    assert [read(uri, number) for number in (1, 2, 3)] == [expected(), expected(ONE), expected(ONE, TWO)]
    found = in_datastore(app, uri, limit="2", sort="_id desc")
    assert found["total"] == ROWS + 1
    assert found["records"][0] == {"_id": ROWS + 1, "code": "99999", "name": "Лицей", "amount": 8}  # type: ignore[index]
    assert in_datastore(app, uri, q="Гимназия")["records"][0]["_id"] == 4  # type: ignore[index]
    lines = app.get(f"/data/{uri}/v2.csv?raw=1").body.splitlines()
    assert (len(lines), lines[4], lines[-1]) == (ROWS + 2, '"00003","Гимназия",1', '"99999","Жаңа мектеп",7')
    parquet = app.get(f"/data/{uri}/v2.parquet")
    assert pq.read_table(io.BytesIO(parquet.data)).num_rows == ROWS + 1
    part = app.get(f"/data/{uri}/v2.parquet", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.data) == (206, b"PAR1")


def test_rows_are_deleted_by_key_and_numbers_stay_dense(app: CKANTestApp, table: tuple[Api, str]) -> None:
    api, uri = table

    delivery = api.delivery(uri, b"code\n00001\n00002\nnone\n", "?mode=delete")

    assert (delivery["removed"], delivery["version"]["rows"]) == (2, ROWS - 2)
    assert read(uri, 2) == {code: row for code, row in FIRST.items() if code not in ("00001", "00002")}
    found = in_datastore(app, uri, limit="3", offset="1")
    assert [row["code"] for row in found["records"]] == ["19998", "19999", "00003"]  # type: ignore[attr-defined]
    assert found["total"] == ROWS - 2


def test_any_two_versions_can_be_compared(table: tuple[Api, str], monkeypatch: pytest.MonkeyPatch) -> None:
    api, uri = table
    api.delivery(uri, body(ONE), "?mode=upsert")
    api.delivery(uri, b"code\n99999\n00000\n", "?mode=delete")

    forward = api.get(f"/datasets/{uri}/versions/3/diff?against=1").json
    back = api.get(f"/datasets/{uri}/versions/1/diff?against=3").json

    assert forward["against"] == 1
    told = forward["difference"]
    assert (told["added"], told["changed"], told["removed"], told["unchanged"]) == (0, 1, 1, ROWS - 2)
    assert told["changed_rows"][0]["fields"] == {"name": ["Мектеп 3", "Гимназия"], "amount": [3, 1]}
    assert [row["code"] for row in told["removed_rows"]] == ["00000"]
    assert (back["difference"]["added"], back["difference"]["changed"], back["difference"]["removed"]) == (1, 1, 0)
    assert api.get(f"/datasets/{uri}/versions/3/diff?against=9").status_code == 404

    # Of changes few rows are compared, however many the versions have together; of a whole table all.
    monkeypatch.setattr(differences, "MOST_ROWS", ROWS)
    assert api.get(f"/datasets/{uri}/versions/3/diff?against=1").json == forward
    assert api.delivery(uri, body({**FIRST, **TWO}))["version"]["number"] == 4
    refused = api.get(f"/datasets/{uri}/versions/4/diff?against=1")
    assert (refused.status_code, refused.json["code"]) == (422, "publishing.too_many_rows_to_compare")


def test_folding_shortens_the_way_and_changes_no_version(app: CKANTestApp, table: tuple[Api, str]) -> None:
    api, uri = table
    changes: list[Rows] = [{f"{n:05d}": (f"Өзгерген {n}", -n), f"9{n:04d}": ("Жаңа", n)} for n in range(9)]
    for change in changes:
        api.delivery(uri, body(change), "?mode=upsert")
    with app.flask_app.test_request_context():
        session, url = model.Session(), configured().files_url
        package = model.Package.get(uri).id
        folding.fold(session, url, package)
        version = versions.latest(session, uri)
        assert version is not None
        assert len(versions.way_to(session, version)) <= 3
        before = version.sha256
        folding.make(session, url, package, None, version.number, versions.way_to(session, version))
        deriving.derive(session, version)
        assert [link.since for link in versions.way_to(session, version)] == [None]
        assert (version.sha256, len(version.rows_sha256 or "")) == (before, 64)
        assert [(found.number, same) for found, same in current.summed(session, [uri])] == [(version.number, True)]
        rows_sha256 = version.rows_sha256
        newest = reading.table_of(session, url, version)
        with duck.opened(deriving.duck_folder(), version, newest) as counted:
            assert duck.count(counted) == ROWS + 9
            assert duck.count(counted, {"name": ["Жаңа"]}) == 9
    assert api.get(f"/datasets/{uri}").json["version"]["rows_sha256"] == rows_sha256
    for number in (1, 5, 10):
        assert read(uri, number) == expected(*changes[: number - 1])


QUESTIONS: tuple[dict[str, Any], ...] = (
    {"filters": {"name": "Жаңа"}},
    {"filters": {"name": ["Жаңа", "Мектеп 3", "Мектеп 12"]}, "limit": 1},
    {"filters": {"amount": 7}},
    {"filters": {"amount": ["007", -1]}},
    {"filters": {"name": "Мектеп 12", "amount": "12"}},
    {"filters": {"code": "none"}, "records_format": "csv"},
    {"filters": {"name": ["Жаңа", "Жаңа", "'; --", "%", ""], "code": [f"9{n:04d}" for n in range(3_000)]}, "limit": 0},
)
OF_POSTGRESQL: tuple[dict[str, Any], ...] = (
    {"filters": {"amount": "x"}},
    {"filters": {"_id": 3}},
    {"filters": {"name": []}},
    {"filters": {"name": None}},
    {"filters": {"name": "Жаңа"}, "q": "Жаңа"},
    {"filters": {"name": "Жаңа"}, "include_total": "FALSE"},
    {"filters": {"name": {"eq": "Жаңа"}}},
    {"filters": {"name": "Жаңа"}, "id": "another table"},
    {},
)


def test_totals_by_values_are_counted_by_duckdb_as_postgresql_counts_them(
    app: CKANTestApp, table: tuple[Api, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, uri = table
    api.delivery(uri, body({f"9{n:04d}": ("Жаңа", n) for n in range(9)}), "?mode=upsert")
    with app.flask_app.test_request_context():
        session = model.Session()
        version = versions.latest(session, uri)
        assert version is not None
        resource = {"resource_id": version.resource_id}
        assert counting.countable(resource | QUESTIONS[0]) is None, "its file is not made yet"
        assert deriving.derive(session, version)
        assert [counting.countable(resource | asked) for asked in OF_POSTGRESQL] == [None] * len(OF_POSTGRESQL)
        counted = [_searched(resource | asked) for asked in QUESTIONS]
        assert [one["total"] for one in counted][:3] == [9, 11, 2]
        monkeypatch.setattr(counting, "countable", lambda _asked: None)
        assert [_searched(resource | asked) for asked in QUESTIONS] == counted


def test_postgresql_counts_what_duckdb_cannot(
    app: CKANTestApp, table: tuple[Api, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _api, uri = table
    with app.flask_app.test_request_context():
        session = model.Session()
        version = versions.latest(session, uri)
        assert version is not None
        assert deriving.derive(session, version)
        asked = {"resource_id": version.resource_id, "filters": {"name": "Мектеп 3"}}
        assert counting.countable(asked) is not None

        def away(*_given: Any) -> Any:
            raise FileNotFoundError("folded or withdrawn just now")

        with monkeypatch.context() as patched:
            patched.setattr(duck, "opened", away)
            assert _searched(asked)["total"] == 1
        twins = [*FIELDS, {"name": "NAME", "type": "string"}]
        monkeypatch.setattr(counting.versions, "of_resource", lambda *_given: version)
        monkeypatch.setattr(version, "schema", {"fields": twins})
        assert counting.countable(asked) is None, "DuckDB does not tell these names apart"


def _searched(asked: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = tk.get_action("datastore_search")({"ignore_auth": True}, dict(asked))
    return found


def test_a_version_in_the_middle_is_withdrawn_and_the_others_stay(app: CKANTestApp, table: tuple[Api, str]) -> None:
    api, uri = table
    for change in (ONE, TWO, {"00007": ("Жеті", 7)}):
        api.delivery(uri, body(change), "?mode=upsert")
    with app.flask_app.test_request_context():
        from ckanext.kzopen.core.withdrawal import Thing
        from ckanext.kzopen.rows import withdrawal

        session = model.Session()
        package = model.Package.get(uri).id
        thing = Thing("version", f"{package}/2", f"{uri}/2", None, {}, True, {"package": package, "number": 2})
        assert not withdrawal.has_no_file(session, thing)
        withdrawal.mark(session, thing)
        session.commit()
        withdrawal.delete_files(session, thing)
        assert withdrawal.has_no_file(session, thing)
    assert files(uri) == [(None, 1, ROWS), (3, 4, 1), (1, 3, 2)]
    assert read(uri, 3) == expected(ONE, TWO)
    assert read(uri, 4) == expected(ONE, TWO, {"00007": ("Жеті", 7)})
    assert "Жаңа мектеп" not in str([store.read_version(configured().files_url, p).to_pylist() for p in small(uri)])


def small(uri: str) -> list[str]:
    package = model.Package.get(uri)
    wanted = select(TableFile.path).where(TableFile.package_id == package.id, TableFile.since.is_not(None))
    return list(model.Session().scalars(wanted))


def test_thinned_versions_are_shown_in_the_history_and_their_rows_are_gone(app: CKANTestApp, table: tuple[Api, str]) -> None:
    api, uri = table
    for change in (ONE, TWO, {"00007": ("Жеті", 7)}):
        api.delivery(uri, body(change), "?mode=upsert")
    with app.flask_app.test_request_context():
        session = model.Session()
        session.execute(
            text("UPDATE kzopen.version SET created = created - interval '30 days' WHERE uri = :uri"), {"uri": uri}
        )
        session.commit()
        plans = {plan.uri: plan for plan in thinning.planned(session, thinning.load_rules(), datetime.now(UTC).date())}
        assert (plans[uri].numbers, plans[uri].left) == ((1, 2), 2)
        file, today = thinning.load(), datetime.now(UTC).date()
        before = files(uri)
        assert thinning.thin_at_night(session, configured().files_url, file, today) == 0
        assert files(uri) == before
        thinning.thin_at_night(session, configured().files_url, file.model_copy(update={"every_night": True}), today)
    assert files(uri) == [(3, 4, 1), (None, 3, ROWS + 1)]
    assert read(uri, 3) == expected(ONE, TWO)
    told = api.get(f"/datasets/{uri}/versions").json
    assert [version["number"] for version in told["versions"]] == [4, 3]
    assert [version["number"] for version in told["thinned"]] == [2, 1]
    gone = app.get(f"/data/{uri}/v1.csv", status=410, headers={"Accept-Language": "en"})
    assert (
        gone.json["detail"]
        == "The rows of version 1 are not kept: old versions are thinned out. The next version that is kept: 3."
    )
    assert api.delivery(uri, body({"00008": ("Сегіз", 8)}), "?mode=upsert")["version"]["parent"] == 4
    assert model.Session().scalar(select(Version.thinned).where(Version.uri == uri, Version.number == 1)) is not None


def differing(uri: str) -> list[Difference | None]:
    """What DataStore has otherwise than the current version, as `doctor --deep` looks for it."""
    model.Session.rollback()
    return [found for _, found in current.changed(model.Session(), [uri])]


def test_changes_of_the_portals_own_are_never_taken_for_those_of_sql(app: CKANTestApp, table: tuple[Api, str]) -> None:
    api, uri = table
    found = [differing(uri)]
    for mode, rows in (
        ("upsert", body(ONE)),
        ("append", body({"77777": ("Колледж", 3)})),
        ("delete", b"code\n00001\n99999\n"),
    ):
        api.delivery(uri, rows, f"?mode={mode}")
        found.append(differing(uri))
    package = model.Package.get(uri).id
    folding.fold(model.Session(), configured().files_url, package)
    found.append(differing(uri))
    with settle.datastore_transaction() as connection:
        connection.execute(text(f'UPDATE "{resource_of(uri)}" SET _full_text = NULL'))
    current.fill_words()
    found.append(differing(uri))
    api.delivery(uri, body(FIRST))
    found.append(differing(uri))

    assert found == [[None]] * 7


def test_a_cell_that_sql_changed_after_upserts_and_folding_is_found(table: tuple[Api, str]) -> None:
    api, uri = table
    api.delivery(uri, body(ONE), "?mode=upsert")
    folding.fold(model.Session(), configured().files_url, model.Package.get(uri).id)
    with settle.datastore_transaction() as connection:
        connection.execute(text(f'UPDATE "{resource_of(uri)}" SET amount = amount + 1 WHERE _id = 4'))

    assert differing(uri) == [Difference(1, 4)]


def resource_of(uri: str) -> str:
    found = versions.latest(model.Session(), uri)
    assert found is not None
    return str(found.resource_id)
