"""A run of a source: what is new, what has changed, what is gone; and that the counts add up."""

from __future__ import annotations

from threading import Event
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.harvest import batches, comparing, engine
from ckanext.kzopen.publishing.harvest.alone import alone
from ckanext.kzopen.publishing.harvest.model import Run, Source
from sqlalchemy import text

from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts, listed
from tests.publishing.harvest.source import Catalogue, Handler, Thing, send, table

LARGE = 20_000
"""Rows from which on a change of few of them is stored as a change."""


def test_a_catalogue_is_published_item_by_item(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(12)
    harvest.ready("json_api", catalogue.settings())
    run = harvest.run()
    assert run["state"] == "finished", run
    assert counts(run) == {"seen": 12, "added": 12, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    item = harvest.items(run)[4]
    assert harvest.rows(item) == [["code", "amount"], ["k0040000", "0"], ["k0040001", "5"], ["k0040002", "10"]]


def test_what_has_not_changed_is_not_fetched_again(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(5)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    catalogue.asked.clear()
    run = harvest.run()
    assert counts(run) == {"seen": 5, "added": 0, "changed": 0, "unchanged": 5, "removed": 0, "failed": 0}
    assert catalogue.requests("/file/") == []


def test_a_source_that_cannot_tell_is_asked_with_the_etag(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    for thing in catalogue.things.values():
        thing.changed = None
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    catalogue.things["set-001"].body = table(4, 1)
    run = harvest.run()
    assert counts(run) == {"seen": 3, "added": 0, "changed": 1, "unchanged": 2, "removed": 0, "failed": 0}
    assert len(harvest.rows(harvest.items(run, "changed")[0])) == 5


def test_a_changed_item_makes_a_new_version(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    catalogue.things["set-000"] = Thing(table(5), "2", "Новое название")
    run = harvest.run()
    assert counts(run) == {"seen": 3, "added": 0, "changed": 1, "unchanged": 2, "removed": 0, "failed": 0}
    uri = harvest.items(run, "changed")[0]["uri"]
    told = Api(harvest.app).get(f"/datasets/{uri}").json
    assert (told["version"]["number"], told["version"]["rows"], told["title"]["kk"]) == (2, 5, "Новое название")


def test_what_is_gone_is_withdrawn_with_its_history(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(10)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    gone = catalogue.things.pop("set-009")
    run = harvest.run()
    assert counts(run) == {"seen": 10, "added": 0, "changed": 0, "unchanged": 9, "removed": 1, "failed": 0}
    uri = harvest.items(run, "removed")[0]["uri"]
    assert Api(harvest.app).get(f"/datasets/{uri}").status_code == 404
    catalogue.things["set-009"] = gone
    back = harvest.run()
    assert counts(back)["added"] == 1
    assert len(Api(harvest.app).get(f"/datasets/{uri}/versions").json["versions"]) == 2


def test_a_source_that_lost_half_withdraws_nothing_before_a_person_confirms(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(10)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    for name in list(catalogue.things)[:5]:
        del catalogue.things[name]
    run = harvest.run()
    assert (run["state"], run["error"], run["removed"], run["left"]) == (
        "awaiting_confirmation",
        "harvest.many_removals",
        0,
        5,
    )
    uri = harvest.items(run, "left")[0]["uri"]
    assert Api(harvest.app).get(f"/datasets/{uri}").status_code == 200
    refused = harvest.post(f"/runs/{run['id']}/confirm_removals")
    assert (refused.status_code, refused.json["code"]) == (422, "states.field_required")
    harvest.post(f"/runs/{run['id']}/confirm_removals", reason="The agency confirmed it")
    ended = harvest.ended(run["id"])
    assert (ended["state"], counts(ended)["removed"]) == ("finished", 5)
    assert Api(harvest.app).get(f"/datasets/{uri}").status_code == 404


def test_a_person_keeps_what_a_source_lost(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(4)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    catalogue.things.clear()
    run = harvest.run()
    assert run["state"] == "awaiting_confirmation"
    kept = harvest.post(f"/runs/{run['id']}/keep_all", reason="The source is being moved").json
    assert (kept["state"], counts(kept)) == (
        "finished",
        {"seen": 4, "added": 0, "changed": 0, "unchanged": 4, "removed": 0, "failed": 0},
    )


def test_a_newer_run_overtakes_one_that_waits(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(4)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    lost = dict(catalogue.things)
    catalogue.things.clear()
    waiting = harvest.run()
    catalogue.things.update(lost)
    assert harvest.run()["state"] == "finished"
    assert harvest.get(f"/runs/{waiting['id']}").json["state"] == "finished"


def test_a_dry_run_tells_field_by_field_and_changes_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(6)
    harvest.ready("json_api", catalogue.settings(), threshold=0.5)
    harvest.run()
    catalogue.things["set-001"] = Thing(table(4, 1), "2", "Другое имя")
    catalogue.fill(1, 6)
    del catalogue.things["set-005"]
    run = harvest.run("dry")
    assert counts(run) == {"seen": 7, "added": 1, "changed": 1, "unchanged": 4, "removed": 1, "failed": 0}
    changed = harvest.items(run, "changed")[0]
    assert changed["differences"]["fields"]["title.ru"] == ["Жинақ", "Другое имя"]
    assert (changed["differences"]["rows"], changed["differences"]["added"]) == (4, 1)
    told = Api(harvest.app).get(f"/datasets/{changed['uri']}").json
    assert (told["version"]["number"], told["title"]["ru"]) == (1, "Жинақ")
    assert Api(harvest.app).get(f"/datasets/{harvest.items(run, 'removed')[0]['uri']}").status_code == 200


def test_a_dry_run_compares_with_a_version_that_is_stored_as_a_change(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.things["set-000"] = Thing(table(LARGE))
    harvest.ready("json_api", catalogue.settings(key_columns=["code"]))
    uri = harvest.items(harvest.run())[0]["uri"]
    told = Api(harvest.app, harvest.agency.token).delivery(uri, b"code,amount\nk0000001,77\n", "?mode=upsert")
    assert told["version"]["parent"] == 1
    catalogue.things["set-000"] = Thing(table(LARGE + 1), "2")
    found = harvest.items(harvest.run("dry"))[0]["differences"]
    assert {name: found.get(name) for name in ("rows", "errors", "added", "changed", "removed")} == {
        "rows": LARGE + 1,
        "errors": 0,
        "added": 1,
        "changed": 1,
        "removed": 0,
    }


def test_a_source_is_switched_on_only_after_a_preview_with_the_same_settings(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(30)
    harvest.add("json_api", catalogue.settings())
    early = harvest.post(f"/sources/{harvest.name}/switch_on")
    assert (early.status_code, early.json["code"]) == (409, "harvest.not_previewed")
    assert counts(harvest.run("preview"))["seen"] == 20
    changed = catalogue.settings(size=50)
    harvest.api.call("PUT", f"/sources/{harvest.name}", json={"settings": changed, "defaults": {"prefix": "other-"}})
    assert harvest.post(f"/sources/{harvest.name}/switch_on").json["code"] == "harvest.not_previewed"
    assert harvest.post(f"/sources/{harvest.name}/runs", purpose="harvest").json["code"] == "harvest.not_active"


def test_changed_settings_make_every_item_new_work(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    defaults = {"prefix": f"{harvest.name[-10:]}-", "category": "health"}
    harvest.api.call("PUT", f"/sources/{harvest.name}", json={"settings": catalogue.settings(), "defaults": defaults})
    harvest.run("preview")
    harvest.post(f"/sources/{harvest.name}/switch_on")
    run = harvest.run()
    assert counts(run)["changed"] == 3
    assert Api(harvest.app).get(f"/datasets/{harvest.items(run)[0]['uri']}").json["category"] == "health"


def test_a_job_given_out_twice_reads_the_list_once(app: CKANTestApp, harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(25)
    harvest.ready("json_api", catalogue.settings())
    reading, go_on = Event(), Event()

    def slowly(handler: Handler) -> None:
        reading.set()
        assert go_on.wait(4)
        del catalogue.instead["/list"]
        send(handler, 200, catalogue.page(1), "application/json")

    catalogue.instead["/list"] = slowly
    catalogue.asked.clear()
    run = harvest.run(wait=False)
    assert reading.wait(60)
    with app.flask_app.test_request_context():
        engine.advance(model.Session(), UUID(run["id"]))  # as the job of a worker that was taken for dead
    assert len(catalogue.requests("/list")) == 1
    go_on.set()
    assert counts(harvest.ended(run["id"])) == {
        "seen": 25,
        "added": 25,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "failed": 0,
    }


def test_a_batch_given_out_twice_is_worked_on_once(app: CKANTestApp, harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    harvest.ready("json_api", catalogue.settings())
    fetching, go_on = Event(), Event()

    def slowly(handler: Handler) -> None:
        del catalogue.instead["/file/set-002"]
        fetching.set()
        assert go_on.wait(4)
        send(handler, 200, catalogue.things["set-002"].body, "text/csv")

    catalogue.instead["/file/set-002"] = slowly
    catalogue.asked.clear()
    run = harvest.run(wait=False)
    assert fetching.wait(60)
    with app.flask_app.test_request_context():
        assert not batches.work(model.Session(), UUID(run["id"]), 0)  # as the job of a worker that was taken for dead
    assert len(catalogue.requests("/file/")) == 3
    go_on.set()
    told = {"seen": 3, "added": 3, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    assert counts(harvest.ended(run["id"])) == told


def test_a_place_at_a_host_is_not_free_while_a_worker_that_was_taken_for_dead_has_it(run: Run, catalogue: Catalogue) -> None:
    """Of two places; the first batch and the third share one."""
    catalogue.fill(3)
    listed(run)
    session = model.Session()
    assert comparing.make_batches(session, run, size=1) == 3
    session.commit()
    source = session.get_one(Source, run.source_id)
    with alone(session, batches.place_of(source, 0)) as slow:
        assert slow
        for looked in (*range(8), 5000):
            assert not batches.work(session, run.id, 2, looked=looked)
        taken = text("DELETE FROM kzopen.procrastinate_jobs WHERE args->>'key' = :key RETURNING id, scheduled_at - now()")
        waits = [wait.total_seconds() for _, wait in sorted(session.execute(taken, {"key": f"{run.id}/2"}).tuples())]
        session.commit()
        assert waits == pytest.approx([5, 10, 20, 40, 60, 60, 60, 60, 60], abs=4)
        assert catalogue.requests("/file/") == []
        assert batches.work(session, run.id, 1)
    assert batches.work(session, run.id, 2)
    assert len(catalogue.requests("/file/")) == 2


def test_a_batch_of_a_run_that_has_ended_looks_at_no_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "place_of", lambda source, batch: 1 / 0)
    assert run.state == "discovering"
    assert batches.work(model.Session(), run.id, 0)


def test_a_run_is_not_started_twice(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(2)
    harvest.ready("json_api", catalogue.settings())
    catalogue.instead["/list"] = lambda handler: __import__("time").sleep(1)
    first = harvest.run(wait=False)
    second = harvest.post(f"/sources/{harvest.name}/runs", purpose="harvest")
    assert (second.status_code, second.json["code"]) == (409, "harvest.runs_already")
    cancelled = harvest.post(f"/runs/{first['id']}/cancel").json
    assert cancelled["state"] == "cancelled"
