"""`/record/…` and the job that signs, on the running application and the portal's own log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core.jobs import tasks
from ckanext.kzopen.core.record import Leaf, append, keys, portal
from lxml import etree

from api_clients.verifier import kzopen_verifier as verifier

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def leaf() -> Iterator[Leaf]:
    """A recorded thing, committed, old enough to be under a head."""
    made = append(model.Session, "test", str(uuid4()), {"text": "сынақ"}, at=datetime.now(UTC) - timedelta(minutes=5))
    model.Session.commit()
    yield made
    model.Session.rollback()


@pytest.fixture
def head(leaf: Leaf) -> dict[str, Any]:
    """A head that covers it, signed by the periodic task."""
    tasks()["record.head"].function()
    signed = portal.sign_head()
    assert signed is not None
    return portal.heads.as_dict(signed)


@pytest.fixture
def public() -> bytes:
    key = keys.in_use(model.Session)
    assert key is not None
    return key.public


def test_the_newest_head_is_signed_by_a_published_key(app: Any, head: dict[str, Any], public: bytes) -> None:
    response = app.get("/record/head.json")
    given = response.json
    assert given["size"] >= head["size"]
    assert response.headers["Cache-Control"] == "public, max-age=10"
    verifier.check_signature(given, verifier.trusted_keys(app.get("/record/keys.json").json["keys"], public), "head")


def test_an_older_head_keeps_its_address(app: Any, head: dict[str, Any]) -> None:
    response = app.get(f"/record/head.json?size={head['size']}")
    assert response.json == head
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_heads_are_a_feed_whose_entries_are_the_heads(app: Any, head: dict[str, Any]) -> None:
    response = app.get("/record/heads.atom")
    assert response.content_type.startswith("application/atom+xml")
    contents = [json.loads(entry.text or "") for entry in etree.fromstring(response.data).iter(f"{ATOM}content")]
    assert head in contents
    assert [said["size"] for said in contents] == sorted((said["size"] for said in contents), reverse=True)


def test_the_proof_of_a_leaf_leads_to_the_head(app: Any, leaf: Leaf, head: dict[str, Any]) -> None:
    index = model.Session.get(Leaf, leaf.id, populate_existing=True).index
    given = app.get(f"/record/proof/{index}?size={head['size']}").json
    assert (given["hash"], given["head"]) == (leaf.hash.hex(), head)
    proof = [bytes.fromhex(step) for step in given["proof"]]
    assert verifier.included(leaf.hash, index, head["size"], proof, bytes.fromhex(head["root"]))


def test_two_heads_are_shown_to_agree(app: Any, head: dict[str, Any]) -> None:
    append(model.Session, "test", "another", {})
    model.Session.commit()
    later = portal.heads.as_dict(portal.sign_head())
    given = app.get(f"/record/consistency?from={head['size']}&to={later['size']}").json
    roots = bytes.fromhex(head["root"]), bytes.fromhex(later["root"])
    assert verifier.consistent(head["size"], later["size"], *roots, [bytes.fromhex(step) for step in given["proof"]])


def test_a_receipt_is_given_at_its_secret_address_and_proves_its_leaf(app: Any, leaf: Leaf, public: bytes) -> None:
    response = app.get(f"/record/receipt/{leaf.id}")
    assert response.json["leaf"]["record"] == {"text": "сынақ"}
    assert [code for code, _said in verifier.verify(response.json, public)] == ["recorded"]
    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/record/proof/999999999", 404, "record.no_leaf"),
        ("/record/receipt/00000000-0000-0000-0000-000000000000", 404, "record.no_leaf"),
        ("/record/head.json?size=999999999", 404, "record.no_head"),
        ("/record/consistency?from=0&to=1", 400, "record.bad_sizes"),
        ("/record/consistency?from=1&to=999999999", 400, "record.bad_sizes"),
        ("/record/consistency", 400, "record.bad_sizes"),
        ("/record/consistency?from=-1&to=2", 400, "web.bad_input"),
        ("/record/head.json?size=1%27", 400, "web.bad_input"),
    ],
)
def test_what_there_is_not_is_told_as_a_problem(app: Any, head: dict[str, Any], address: str, status: int, code: str) -> None:
    response = app.get(address, headers={"Accept": "application/json"}, status=status)
    assert response.json["code"] == code


def test_a_log_that_was_changed_is_told_and_nothing_is_signed(
    app: Any, head: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise portal.heads.LogBroken("a node is missing")

    monkeypatch.setattr("ckanext.kzopen.core.record.views.proofs.inclusion", broken)
    response = app.get("/record/proof/0", headers={"Accept": "application/json"}, status=503)
    assert response.json["code"] == "record.broken"
