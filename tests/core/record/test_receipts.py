"""Receipts, certificates, keys and heads, as a reader's verifier sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from ckanext.kzopen.core.record import Leaf, NotErasable, append, erase, heads, keys
from ckanext.kzopen.core.record.certificate import certificate
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.receipts import NotRecorded, receipt
from ckanext.kzopen.core.record.tables import Key
from sqlalchemy import text
from sqlalchemy.orm import Session

from api_clients.verifier import kzopen_verifier as verifier

PORTAL = "https://portal.example.org"
Add = Callable[[int], list[Leaf]]
Sign = Callable[[], dict[str, Any]]
Verify = Callable[..., list[str]]


def sent(document: dict[str, Any]) -> Any:
    """A document after its way to the reader."""
    return json.loads(json.dumps(document, ensure_ascii=False))


def proven(document: dict[str, Any], key: Key) -> list[str]:
    return [code for code, _params in verifier.verify(sent(document), key.public)]


def test_a_receipt_under_a_head_proves_its_leaf(log: Session, ring: Ring, key: Key, add: Add, sign: Sign) -> None:
    leaf = add(5)[2]
    head = sign()
    given = receipt(log, ring, leaf.id, PORTAL)
    assert verifier.verify(sent(given), key.public) == [("recorded", {"index": 3, "at": head["at"], "size": 6})]
    assert (given["number"], given["portal"], given["head"]) == (str(leaf.id), PORTAL, head)
    assert given["leaf"]["record"] == {"text": "пікір 2"}


def test_in_the_first_minute_a_receipt_is_a_promise(log: Session, ring: Ring, key: Key, add: Add) -> None:
    leaf = add(1)[0]
    given = receipt(log, ring, leaf.id, PORTAL)
    assert proven(given, key) == ["promised"]
    until = datetime.fromisoformat(given["promise"]["until"])
    assert until == leaf.at + timedelta(seconds=60)
    assert heads.latest(log) is None


def test_after_a_minute_without_a_head_the_receipt_has_one_signed(log: Session, ring: Ring, key: Key) -> None:
    leaf = append(log, "comment", "c1", {}, at=datetime.now(UTC) - timedelta(seconds=61))
    log.commit()
    assert proven(receipt(log, ring, leaf.id, PORTAL), key) == ["recorded"]


def test_there_is_no_receipt_before_the_commit(log: Session, ring: Ring, key: Key) -> None:
    leaf = append(log, "comment", "c1", {})
    with pytest.raises(NotRecorded):
        receipt(log, ring, leaf.id, PORTAL)
    with pytest.raises(LookupError):
        receipt(log, ring, uuid4(), PORTAL)


def test_an_erased_text_leaves_hash_reason_and_a_leaf_that_tells_of_it(
    log: Session, ring: Ring, key: Key, add: Add, sign: Sign, verify: Verify
) -> None:
    leaf = add(2)[0]
    sign()
    before = receipt(log, ring, leaf.id, PORTAL)
    told = erase(log, leaf.id, "Court of Sarydala, 5 March 2026")
    log.commit()
    sign()
    after = receipt(log, ring, leaf.id, PORTAL)
    assert (after["leaf"], after["erased"], after["hash"]) == (None, "Court of Sarydala, 5 March 2026", before["hash"])
    assert proven(before, key) == ["recorded"]
    assert proven(after, key) == ["erased", "recorded"]
    assert (told.kind, told.object_id) == ("record.erased", "1")
    assert told.record is not None
    assert (told.record["reason"], told.record["hash"]) == ("Court of Sarydala, 5 March 2026", before["hash"])
    assert verify() == []


def test_what_the_log_tells_of_itself_and_what_is_erased_cannot_be_erased(log: Session, key: Key, add: Add) -> None:
    leaf = add(1)[0]
    first = log.scalars(text("SELECT id FROM kzopen.leaf WHERE index = 0")).one()
    with pytest.raises(NotErasable):
        erase(log, first, "a court")
    told = erase(log, leaf.id, "a court")
    log.commit()
    for number in (leaf.id, told.id):
        with pytest.raises(NotErasable):
            erase(log, number, "a court")


def test_receipts_from_before_a_rotation_stay_valid_for_who_knows_either_key(
    log: Session, ring: Ring, key: Key, add: Add, sign: Sign, verify: Verify
) -> None:
    old_leaf = add(1)[0]
    sign()
    before = receipt(log, ring, old_leaf.id, PORTAL)
    new = keys.rotate(log, ring)
    log.commit()
    ring.keep_only(new.id)
    (new_leaf,) = add(1)
    head = sign()
    again, after = receipt(log, ring, old_leaf.id, PORTAL), receipt(log, ring, new_leaf.id, PORTAL)
    assert head["key"] == new.id
    for document, known in [(before, key), (again, key), (again, new), (after, key), (after, new)]:
        assert proven(document, known) == ["recorded"]
    assert verify() == []
    assert verify(journal=False) == []
    assert [file.exists() for file in map(ring.file_of, (key.id, new.id))] == [False, True]


def test_a_key_that_ended_signs_nothing_more(log: Session, ring: Ring, key: Key, add: Add) -> None:
    private = ring.private(key.id)
    keys.rotate(log, ring)
    log.commit()
    late = {"type": "kzopen.record.head", "size": 1, "root": "00" * 32, "key": key.id, "at": "2099-01-01T00:00:00.000000Z"}
    late["signature"] = private.sign(verifier.canonical(late)).hex()
    with pytest.raises(verifier.Wrong) as caught:
        verifier.check_signature(late, verifier.trusted_keys(keys.history(log), key.public), "head")
    assert caught.value.code == "wrong_time"


def test_a_lost_key_is_replaced_by_one_that_must_be_told_anew(
    log: Session, ring: Ring, key: Key, add: Add, sign: Sign, verify: Verify
) -> None:
    leaf = add(1)[0]
    ring.file_of(key.id).unlink()
    with pytest.raises(keys.KeyMissing):
        keys.rotate(log, ring)
    log.rollback()
    new = keys.rotate(log, ring, lost=True)
    log.commit()
    sign()
    given = receipt(log, ring, leaf.id, PORTAL)
    assert proven(given, new) == ["recorded"]
    with pytest.raises(verifier.Wrong) as caught:
        verifier.verify(sent(given), key.public)
    assert caught.value.code == "wrong_signature"
    assert verify() == []


def test_the_first_key_is_made_once(log: Session, ring: Ring, key: Key) -> None:
    assert keys.ensure(log, ring).id == key.id


def test_a_head_is_made_when_leaves_came(log: Session, ring: Ring, add: Add, sign: Sign) -> None:
    add(2)
    first = sign()
    assert sign() == first
    add(1)
    assert (first["size"], sign()["size"]) == (3, 4)
    noted = [said.get("size") for said in ring.journal.statements()]
    assert noted == [None, 3, 4]


def test_an_empty_log_has_no_head(log: Session, ring: Ring) -> None:
    assert heads.make(log, ring) is None


def test_a_line_of_the_journal_that_a_crash_cut_off_spoils_no_other(ring: Ring, sign: Sign, key: Key) -> None:
    with ring.journal.path.open("ab") as file:
        file.write(b'{"type": "kzopen.re')
    head = sign()
    assert ring.journal.statements()[1:] == [head]


def certificate_of(log: Session, ring: Ring, until: datetime, *objects: str) -> dict[str, Any]:
    named = [("comment", name) for name in objects]
    more = {"subject": {"title": "Заң жобасы"}, "content": {"comments": len(objects), "overdue": None, "share": 0.5}}
    return certificate(log, ring, named, until, portal=PORTAL, **more)


def test_a_certificate_proves_all_that_was_recorded_of_its_objects_until_its_date(
    log: Session, ring: Ring, key: Key, add: Add
) -> None:
    leaves = add(5)
    given = certificate_of(log, ring, leaves[3].at, "c1", "c3", "c4")
    log.commit()
    assert [entry["leaf"]["object"] for entry in given["leaves"]] == ["c1", "c3"]
    assert verifier.verify(sent(given), key.public) == [("certified", {"count": 2})]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("content", "comments"), 7, "wrong_signature"),
        (("leaves", 0, "leaf", "record", "text"), "басқа", "wrong_signature"),
        (("head", "size"), 7, "wrong_signature"),
        (("keys",), [], "wrong_signature"),
    ],
)
def test_a_changed_certificate_is_refused(
    log: Session, ring: Ring, key: Key, add: Add, path: tuple[Any, ...], value: Any, code: str
) -> None:
    leaves = add(3)
    given = sent(certificate_of(log, ring, leaves[-1].at, "c0", "c1"))
    place = given
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(verifier.Wrong) as caught:
        verifier.verify(given, key.public)
    assert caught.value.code == code


def test_there_is_no_certificate_of_nothing(log: Session, ring: Ring, key: Key) -> None:
    with pytest.raises(LookupError):
        certificate_of(log, ring, datetime.now(UTC), "c0")
