"""Emergency withdrawal of a version, a data set, a file: out of every place, and a tombstone with the reason stays."""

from __future__ import annotations

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.lib.uploader import get_resource_uploader
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.notices import reading
from ckanext.kzopen.core.notices.tables import News
from ckanext.kzopen.core.record import events
from ckanext.kzopen.core.record.tables import Leaf
from ckanext.kzopen.core.withdrawal import Order, Withdrawal, cli, kinds, places
from ckanext.kzopen.core.withdrawal.order import order
from ckanext.kzopen.core.withdrawal.places import holding
from ckanext.kzopen.core.withdrawal.spread import spread
from ckanext.kzopen.publishing import inbox, listings, process, receive
from ckanext.kzopen.publishing.datasets import known_passport
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import current, store
from ckanext.kzopen.rows import model as versions
from click.testing import CliRunner, Result
from sqlalchemy import select

from tests.mortals import Forge
from tests.publishing.conftest import PATIENCE, SCHOOLS, Agency, Api, new_agency, passport
from tests.publishing.test_deliver import CHANGED, rows_in_datastore, table, table_at
from tests.publishing.test_keys_and_reports import many
from tests.search.conftest import until

REASON = {"kk": "ЖСН жарияланған", "ru": "Опубликованы ИИН"}
ORDER = {"reason": REASON, "law": "Дербес деректер туралы заң, 7-бап"}
SECRET = "№1 мектеп"
PORTAL = {"portal": "https://data.example.kz"}


@pytest.fixture
def admin(app: CKANTestApp) -> Agency:
    """An agency whose user is its administrator."""
    return new_agency(app, role="admin")


@pytest.fixture
def own(app: CKANTestApp, admin: Agency) -> Api:
    return Api(app, admin.token)


@pytest.fixture
def dataset(own: Api, admin: Agency) -> str:
    """A data set of two versions."""
    name = f"withdrawn-{admin.name[-8:]}"
    assert own.put(name, passport(admin.name)).status_code == 201
    for body in (SCHOOLS, CHANGED):
        assert own.delivery(name, body)["state"] == "accepted"
    return name


def withdraw(api: Api, path: str, body: Any = None, query: str = "") -> Any:
    given = json.dumps(ORDER if body is None else body)
    return api.call("POST", f"/datasets/{path}/withdraw{query}", data=given, content_type="application/json")


def settled(uri_and_number: str) -> Withdrawal:
    """The tombstone once the worker, too, has nothing left to do."""
    until = time.monotonic() + PATIENCE
    while True:
        model.Session.remove()
        found = model.Session().scalars(select(Withdrawal).where(Withdrawal.name == uri_and_number)).one()
        if found.complete:
            return found
        assert time.monotonic() < until, found.out_of
        time.sleep(0.1)


def eventually(found: Any, wanted: Any) -> None:
    until = time.monotonic() + PATIENCE
    while (now := found()) != wanted:
        assert time.monotonic() < until, now
        time.sleep(0.1)


def bins(app: CKANTestApp, dataset: str) -> list[str] | None:
    """The keys of the rows that DataStore gives; None while it has no table."""
    package = app.get(f"/api/3/action/package_show?id={dataset}").json["result"]
    if not package["resources"]:
        return None
    told = app.test_client().get(f"/api/3/action/datastore_search?resource_id={package['resources'][0]['id']}")
    return [row["bin"] for row in told.json["result"]["records"]] if told.status_code == 200 else None


def facts(app: CKANTestApp, dataset: str) -> tuple[str, list[Path], list[Path]]:
    """The package's id, the files of its versions, the bytes of its deliveries."""
    package = model.Package.get(dataset)
    url = configured().files_url
    files = [store.file_of(url, version.path) for version in versions.all_of(model.Session(), dataset)]
    sent = model.Session().scalars(select(Delivery).where(Delivery.package_id == package.id))
    return package.id, files, [inbox.root(url) / delivery.path for delivery in sent]


def test_a_withdrawn_version_is_gone_and_the_one_before_it_becomes_current(
    app: CKANTestApp, own: Api, anyone: Api, dataset: str
) -> None:
    _, files, _ = facts(app, dataset)
    assert all(file.exists() for file in files)

    answer = withdraw(own, f"{dataset}/versions/2")

    assert answer.status_code == 200, answer.json
    assert (answer.json["name"], answer.json["reason"]) == (f"{dataset}/2", REASON)
    gone = app.get(f"/data/{dataset}/v2.csv", status=410)
    assert gone.json["code"] == "withdrawal.gone"
    assert gone.json["withdrawn"]["reason"] == REASON
    assert anyone.get(f"/datasets/{dataset}/versions/2/diff").status_code == 410
    assert table_at(app, f"/data/{dataset}.csv") == table(SCHOOLS)
    told = anyone.get(f"/datasets/{dataset}/versions").json
    assert ([row["number"] for row in told["versions"]], [row["number"] for row in told["withdrawn"]]) == ([1], [2])
    assert anyone.get(f"/datasets/{dataset}").json["version"]["number"] == 1
    settled(f"{dataset}/2")
    assert [file.exists() for file in files] == [False, True]
    eventually(lambda: bins(app, dataset), ["000140000012", "000140000092", "000140000220"])
    table_resource = app.get(f"/api/3/action/package_show?id={dataset}").json["result"]["resources"][0]
    assert int(table_resource["table_version"]) == 1


def test_an_earlier_version_goes_and_the_current_one_stays_without_showing_its_rows(
    app: CKANTestApp, own: Api, anyone: Api, dataset: str
) -> None:
    assert "Гимназия" in json.dumps(anyone.get(f"/datasets/{dataset}/versions/2/diff").json, ensure_ascii=False)

    assert withdraw(own, f"{dataset}/versions/1").status_code == 200

    settled(f"{dataset}/1")
    assert app.get(f"/data/{dataset}/v1.parquet", status=410).json["status"] == 410
    assert table_at(app, f"/data/{dataset}.csv") == table(CHANGED)
    difference = anyone.get(f"/datasets/{dataset}/versions/2/diff").json["difference"]
    assert difference == {"added": 1, "changed": 1, "removed": 1, "unchanged": 1}


def test_when_the_only_version_goes_no_table_is_left_and_the_next_delivery_gets_a_new_number(
    app: CKANTestApp, own: Api, anyone: Api, dataset: str
) -> None:
    for number in (2, 1):
        assert withdraw(own, f"{dataset}/versions/{number}").status_code == 200
        settled(f"{dataset}/{number}")

    assert app.get(f"/data/{dataset}.csv", status=410).json["code"] == "withdrawal.gone"
    assert anyone.get(f"/datasets/{dataset}").json["version"] is None
    eventually(lambda: app.get(f"/api/3/action/package_show?id={dataset}").json["result"]["resources"], [])

    assert own.delivery(dataset, CHANGED)["version"]["number"] == 3
    assert table_at(app, f"/data/{dataset}.csv") == table(CHANGED)
    assert len(rows_in_datastore(app, dataset)) == 3


def test_a_withdrawn_data_set_is_nowhere(app: CKANTestApp, own: Api, anyone: Api, dataset: str) -> None:
    package, files, sent = facts(app, dataset)
    resource = app.get(f"/api/3/action/package_show?id={dataset}").json["result"]["resources"][0]["id"]
    assert app.get(f"/api/3/action/package_search?q=id:{package}").json["result"]["count"] == 1

    answer = withdraw(own, dataset)

    assert answer.status_code == 200, answer.json
    for path in (
        f"/dataset/{dataset}",
        f"/ru/dataset/{dataset}/resource/{resource}",
        f"/data/{dataset}.csv",
        f"/data/{dataset}/v1.parquet",
        f"/api/3/action/package_show?id={package}",
        f"/api/3/action/resource_show?id={resource}",
        f"/api/3/action/datastore_search?resource_id={resource}",
        f"/api/universal/v1/datasets/{dataset}",
        f"/api/universal/v1/datasets/{dataset}/versions",
    ):
        told = app.get(path, status=410)
        assert SECRET not in told.data.decode(), path
        assert "Мектептер тізімі" not in told.data.decode(), path
    for path in (f"/datastore/dump/{resource}", f"/dataset/{dataset}.ttl"):
        hidden = app.test_client().get(path)  # CKAN's views ask for the right first
        assert (hidden.status_code in (404, 410), SECRET in hidden.data.decode()) == (True, False), path
    settled(dataset)
    assert not any(path.exists() for path in (*files, *sent))
    assert app.get(f"/api/3/action/package_search?q=id:{package}").json["result"]["count"] == 0
    assert dataset not in app.get("/api/3/action/package_list").json["result"]
    assert own.post(dataset, SCHOOLS).status_code == 410
    assert own.put(dataset, passport("any")).status_code == 410


def test_the_long_list_of_a_refused_delivery_goes_with_its_data_set(app: CKANTestApp, own: Api, dataset: str) -> None:
    refused = own.delivery(dataset, many(1_001))
    delivery = model.Session.get_one(Delivery, UUID(refused["id"]))
    found = inbox.root(configured().files_url) / listings.beside(delivery.path)
    assert found.exists()

    assert withdraw(own, dataset).status_code == 200

    settled(dataset)
    assert not found.exists()


def test_nobody_reads_it_from_the_first_transaction_on(
    app: CKANTestApp, own: Api, anyone: Api, dataset: str, admin: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = app.get(f"/api/3/action/package_show?id={dataset}").json["result"]["resources"][0]["id"]
    monkeypatch.setattr("ckanext.kzopen.core.jobs.defer", lambda *_args, **_kwargs: None)
    with app.flask_app.test_request_context():
        session = model.Session()
        order(session, kinds.find(session, "version", f"{dataset}/2"), Order(REASON, admin.user))
        session.commit()
        model.Session.remove()

    assert app.get(f"/data/{dataset}/v2.csv", status=410)
    assert anyone.get(f"/datasets/{dataset}").json["version"]["number"] == 1
    # DataStore, which is another database, still has the rows: so it is not read.
    for named in (f"resource_id={resource}", f"resource_id=x&id={resource}"):
        waiting = app.get(f"/api/3/action/datastore_search?{named}", status=503)
        assert waiting.json["code"] == "withdrawal.under_way"

    with app.flask_app.test_request_context():
        row = model.Session().scalars(select(Withdrawal).where(Withdrawal.name == f"{dataset}/2")).one()
        assert spread(model.Session(), row.id) == []


def test_the_page_of_a_tombstone_is_in_the_readers_language_with_every_reason(
    app: CKANTestApp, own: Api, dataset: str
) -> None:
    assert withdraw(own, dataset).status_code == 200
    html = {"Accept": "text/html,application/xhtml+xml"}

    def page(language: str) -> str:
        return str(app.get(f"/{language}/dataset/{dataset}", headers=html, status=410).data.decode())

    pages = {language: page(language) for language in ("kk", "ru", "en")}

    assert all(f'<p lang="ru">{REASON["ru"]}</p>' in page for page in pages.values())
    assert all("Дербес деректер туралы заң" in page for page in pages.values())
    assert "and will not come back" in pages["en"]
    assert len(set(pages.values())) == 3
    assert "Мектептер" not in pages["kk"]
    download = app.get(f"/ru/data/{dataset}.csv", headers=html, status=410).data.decode()
    assert f'<p lang="ru">{REASON["ru"]}</p>' in download


def test_the_title_stays_only_when_the_order_says_so(app: CKANTestApp, own: Api, dataset: str) -> None:
    assert withdraw(own, dataset, ORDER | {"keep_title": True}).json["title"]["ru"] == "Перечень школ"
    html = {"Accept": "text/html"}
    assert "Перечень школ" in app.get(f"/ru/dataset/{dataset}", headers=html, status=410).data.decode()


def test_event_and_leaf_tell_of_the_order_without_the_content(app: CKANTestApp, own: Api, admin: Agency, dataset: str) -> None:
    withdraw(own, f"{dataset}/versions/2")
    row = settled(f"{dataset}/2")

    verbs = [event.verb for event in events(model.Session(), kind="withdrawal", object_id=str(row.id))]
    assert verbs == ["create", "finish"]
    (leaf,) = model.Session().scalars(select(Leaf).where(Leaf.kind == "withdrawal", Leaf.object_id == str(row.id)))
    assert (leaf.record["reason"], leaf.record["name"], leaf.record["agency"]) == (REASON, f"{dataset}/2", admin.id)
    delivery = model.Session().scalars(select(Delivery).where(Delivery.uri == dataset, Delivery.version == 2)).one()
    assert (delivery.state, delivery.report, delivery.file_name) == ("withdrawn", None, None)
    leaves = model.Session().scalars(select(Leaf).where(Leaf.kind == "delivery", Leaf.object_id == str(delivery.id)))
    assert [found.record["transition"] for found in leaves] == ["accept", "withdraw"]
    assert SECRET not in json.dumps([leaf.record, *(found.record for found in leaves)], ensure_ascii=False)


def test_without_a_reason_nothing_is_withdrawn(app: CKANTestApp, own: Api, dataset: str) -> None:
    answer = withdraw(own, dataset, {"reason": {"kk": "  "}})

    assert (answer.status_code, answer.json["code"]) == (422, "withdrawal.reason_missing")
    assert table_at(app, f"/data/{dataset}.csv") == table(CHANGED)


def test_looking_first_changes_nothing(app: CKANTestApp, own: Api, dataset: str) -> None:
    answer = withdraw(own, dataset, {}, "?check=only")

    held = {place["name"] for place in answer.json["places"] if place["holds"]}
    assert held >= {"catalogue", "versions", "files", "datastore", "deliveries", "bodies", "documents", "index"}
    assert answer.json["state"] is None
    assert table_at(app, f"/data/{dataset}.csv") == table(CHANGED)


def test_an_editor_and_another_agency_may_not_withdraw(app: CKANTestApp, api: Api, uri: str, own: Api, dataset: str) -> None:
    api.delivery(uri, SCHOOLS)
    assert withdraw(api, uri).status_code == 403  # its editor
    assert withdraw(own, uri).status_code == 403  # administrator of another one
    assert withdraw(Api(app), dataset).status_code == 401
    assert table_at(app, f"/data/{uri}.csv") == table(SCHOOLS)


def test_an_uploaded_file_is_withdrawn_and_the_table_stays(app: CKANTestApp, own: Api, admin: Agency, dataset: str) -> None:
    client = app.test_client(use_cookies=False)
    given = {"package_id": dataset, "name": "list", "upload": (io.BytesIO(SECRET.encode()), "list.txt")}
    made = client.post("/api/3/action/resource_create", data=given, headers={"Authorization": admin.token})
    number = made.json["result"]["id"]
    address = f"/dataset/{dataset}/resource/{number}/download/list.txt"
    path = Path(get_resource_uploader({"id": number}).get_path(number))
    assert app.get(address).data.decode() == SECRET
    assert path.exists()

    answer = withdraw(own, f"{dataset}/resources/{number}")

    assert answer.status_code == 200, answer.json
    assert app.get(address, status=410).json["code"] == "withdrawal.gone"
    settled(dataset)
    assert not path.exists()
    package = app.get(f"/api/3/action/package_show?id={dataset}").json["result"]
    assert number not in [resource["id"] for resource in package["resources"]]
    found = app.get(f"/api/3/action/package_search?q=id:{package['id']}").json["result"]["results"][0]
    assert number not in json.dumps(found)
    table_resource = package["resources"][0]["id"]
    assert withdraw(own, f"{dataset}/resources/{table_resource}").json["code"] == "withdrawal.table_of_versions"


def test_what_happened_before_is_told_nobody_any_more(app: CKANTestApp, own: Api, dataset: str) -> None:
    """News are read from the outbox a moment later: those of the last delivery, and that each delivery was withdrawn."""
    withdraw(own, dataset)
    row = settled(dataset)
    reading.read(model.Session)
    assert holding(model.Session(), row.thing) == []
    shown = select(News.id).where(News.about == f"package:{row.object_id}", News.withdrawn.is_(None))
    assert list(model.Session.scalars(shown)) == []


def test_doctor_finds_what_was_put_back_and_its_command_mends_it(app: CKANTestApp, own: Api, dataset: str) -> None:
    package, files, sent = facts(app, dataset)
    kept = {path: path.read_bytes() for path in (*files, *sent)}
    withdraw(own, dataset)
    row = settled(dataset)
    for path, content in kept.items():
        path.write_bytes(content)
    model.Package.get(package).state = "active"
    mail.queue(
        model.Session, template="core.test", to="a@example.org", language="kk", values=PORTAL, about=(f"package:{package}",)
    )
    model.Session.commit()

    found = kzopen_withdrawal("check")
    assert found.exit_code == 1
    (told,) = [line for line in found.output.splitlines() if dataset in line]
    what, _, held = told.partition(" was withdrawn and still lies in: ")
    assert (what, set(held.split(", "))) == (f"dataset {dataset}", {"mail", "notices", "files", "catalogue", "bodies"})

    assert f"dataset {dataset}: taken out of {held}" in kzopen_withdrawal("repair").output
    assert dataset not in kzopen_withdrawal("check").output
    assert holding(model.Session(), model.Session().get_one(Withdrawal, row.id).thing) == []


def kzopen_withdrawal(command: str) -> Result:
    """What `./kzopen ckan kzopen-withdrawal …` and the doctor run."""
    model.Session.remove()
    return CliRunner().invoke(cli.kzopen_withdrawal, [command])


def test_every_place_can_tell_that_it_holds_something(app: CKANTestApp, own: Api, dataset: str) -> None:
    """A place whose `is_out` is always true would prove nothing."""
    with app.flask_app.test_request_context():
        session = model.Session()
        held = {place.name for place in holding(session, kinds.find(session, "dataset", dataset))}
        held |= {place.name for place in holding(session, kinds.find(session, "version", f"{dataset}/2"))}
    elsewhere = {"uploads", "mail", "notices", "list"}  # tried with an uploaded file, with mails, and by test_kept
    assert {place.name for place in places()} - held <= elsewhere


@pytest.mark.fault
@pytest.mark.parametrize(("place", "when"), [("files", "before"), ("datastore", "after")])
def test_a_withdrawal_survives_the_death_of_whoever_carries_it_out(
    app: CKANTestApp,
    mortals: Forge,
    own: Api,
    dataset: str,
    admin: Agency,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    when: str,
) -> None:
    # The worker looks for what was given up at the full minute; it must not come before the process that is to die.
    second = time.time() % 60
    if second > 50:
        time.sleep(62 - second)
    with app.flask_app.test_request_context(), monkeypatch.context() as patch:
        patch.setattr("ckanext.kzopen.core.jobs.defer", lambda *_args, **_kwargs: None)
        session = model.Session()
        number = order(session, kinds.find(session, "version", f"{dataset}/2"), Order(REASON, admin.user)).id
        session.commit()
        model.Session.remove()
    mortals.killed("tests.publishing.die_in_withdrawal", str(number), place, when)

    with app.flask_app.test_request_context():
        assert spread(model.Session(), number) == []

    row = settled(f"{dataset}/2")
    assert holding(model.Session(), row.thing) == []
    assert table_at(app, f"/data/{dataset}.csv") == table(SCHOOLS)


def test_a_delivery_that_was_on_its_way_is_built_on_the_version_before(
    app: CKANTestApp, own: Api, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The withdrawal comes after the new table was made of version 2 and before it is published."""
    from ckanext.kzopen.publishing import accept
    from ckanext.kzopen.rows import diff

    original, done = diff.compare, []

    def withdrawn_meanwhile(*args: Any, **kwargs: Any) -> Any:
        if not done:
            with ThreadPoolExecutor(1) as elsewhere:
                done.append(elsewhere.submit(withdraw, own, f"{dataset}/versions/2").result().status_code)
        return original(*args, **kwargs)

    monkeypatch.setattr(receive, "defer_check", lambda session, delivery: None)
    added = "bin,name,pupils\n000140000423,Жаңа мектеп,10\n".encode()
    with app.flask_app.test_request_context():
        sending = receive.Sending("append", sender="tester", source="api")
        site, target = configured(), known_passport(model.Session(), dataset)
        number = receive.deliver(model.Session(), site.files_url, target, sending, io.BytesIO(added), site.largest).delivery.id
        with monkeypatch.context() as patch:
            patch.setattr(diff, "compare", withdrawn_meanwhile)
            with pytest.raises(accept.BaseWithdrawn):
                process.process(model.Session(), site, number)
        model.Session.rollback()
        process.process(model.Session(), site, number)

    assert done == [200]
    assert table_at(app, f"/data/{dataset}.csv") == [*table(SCHOOLS), ["000140000423", "Жаңа мектеп", "10"]]
    until(lambda: dataset not in astray())  # the worker may be in the midst of the withdrawal


def astray() -> set[str]:
    """Data sets of which DataStore does not hold the current version."""
    model.Session.rollback()
    return {one.uri for one in current.astray(model.Session())}


def test_a_private_data_set_leaves_a_tombstone_that_outsiders_do_not_see(
    app: CKANTestApp, own: Api, dataset: str, admin: Agency
) -> None:
    with app.flask_app.test_request_context():
        tk.get_action("package_patch")({"user": admin.user, "ignore_auth": True}, {"id": dataset, "private": True})
    assert withdraw(own, dataset).status_code == 200

    for path in (f"/dataset/{dataset}", f"/data/{dataset}.csv", f"/api/3/action/package_show?id={dataset}"):
        assert app.get(path, status=404)


def test_shared_caches_ask_again_within_a_minute(app: CKANTestApp, own: Api, dataset: str) -> None:
    caching = app.get(f"/data/{dataset}/v1.csv").headers["Cache-Control"]
    assert {"public", "s-maxage=30"} <= set(caching.split(", "))
