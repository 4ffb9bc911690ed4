"""Adding to the log: in the caller's transaction, in one order, with the hash that the RFCs give."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from ckanext.kzopen.core.record import Leaf, append, proofs
from ckanext.kzopen.core.record.canonical import canonical
from ckanext.kzopen.core.record.hashing import leaf_hash
from ckanext.kzopen.core.record.log import content, moment
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.core.record.conftest import unprotected
from tests.core.record.test_log_hashing import all_nodes
from tests.core.record.vectors import LEAVES, ROOTS

AT = datetime(2026, 3, 5, 9, 30, tzinfo=timezone(timedelta(hours=5)))
Add = Callable[[int], list[Leaf]]


def places(session: Session) -> list[tuple[int | None, str]]:
    return [(leaf.index, leaf.object_id) for leaf in session.scalars(select(Leaf).order_by(Leaf.index))]


def test_the_hash_is_that_of_the_canonical_record_with_its_nonce(log: Session) -> None:
    leaf = append(log, "comment", "c1", {"text": "Қазақстан", "n": 1.0}, at=AT)
    log.commit()
    assert leaf.nonce is not None
    assert len(leaf.nonce) == 16
    value = {"at": "2026-03-05T04:30:00.000000Z", "kind": "comment", "nonce": leaf.nonce.hex(), "object": "c1"}
    assert leaf.hash == leaf_hash(canonical(value | {"record": {"n": 1, "text": "Қазақстан"}}))
    assert log.get_one(Leaf, leaf.id).hash == leaf.hash
    assert log.scalar(text("SELECT record::text FROM kzopen.leaf")) == '{"n":1,"text":"Қазақстан"}'


@pytest.mark.parametrize("kind", ["comment", 'a "b"\\\n', "😀"])
def test_the_text_of_a_leaf_is_canonical(kind: str) -> None:
    value = {"at": moment(AT), "kind": kind, "nonce": "ab" * 16, "object": kind, "record": {"x": [1]}}
    assert content(kind, kind, moment(AT), b"\xab" * 16, '{"x":[1]}') == canonical(value)


def test_two_equal_records_have_different_hashes(log: Session) -> None:
    first, second = (append(log, "comment", "c1", {"text": "иә"}, at=AT) for _ in range(2))
    assert first.hash != second.hash


def test_a_leaf_gets_its_place_at_the_commit(log: Session) -> None:
    leaf = append(log, "comment", "c1", {})
    assert log.get_one(Leaf, leaf.id).index is None
    log.commit()
    log.expire_all()
    assert places(log) == [(0, "c1")]


def test_of_a_transaction_that_rolls_back_nothing_remains(log: Session) -> None:
    append(log, "comment", "c1", {})
    log.rollback()
    append(log, "comment", "c2", {})
    log.commit()
    assert places(log) == [(0, "c2")]
    assert proofs.log_size(log) == 1


def test_leaves_of_one_transaction_keep_their_order(log: Session) -> None:
    for n in range(5):
        append(log, "comment", f"c{n}", {})
    log.commit()
    assert places(log) == [(n, f"c{n}") for n in range(5)]


def test_the_database_makes_the_nodes_of_the_published_vectors(log: Session) -> None:
    """The trigger hashes what it is given: here the leaf hashes of Certificate Transparency's tests."""
    for number, leaf in enumerate(LEAVES):
        digest = leaf_hash(leaf)
        log.execute(
            text(
                "INSERT INTO kzopen.leaf (id, kind, object_id, at, hash, record, nonce)"
                " VALUES (gen_random_uuid(), 'vector', :n, now(), :hash, '{}', '')"
            ),
            {"n": str(number), "hash": digest},
        )
        log.commit()
        assert proofs.root(log, number + 1).hex() == ROOTS[number]
    stored = {(level, index): bytes(h) for level, index, h in log.execute(text("SELECT level, index, hash FROM kzopen.node"))}
    assert stored == all_nodes([leaf_hash(leaf) for leaf in LEAVES])


def test_appends_at_once_get_places_without_gaps(log: Session, log_engine: Engine, verify: Callable[..., list[str]]) -> None:
    def work(worker: int) -> None:
        with Session(log_engine) as session:
            for n in range(20):
                append(session, "comment", f"{worker}-{n}", {"n": n})
                if n % 7 == 3:
                    session.rollback()
                session.commit()

    workers = [threading.Thread(target=work, args=[worker]) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [index for index, _object in places(log)] == list(range(4 * 17))
    assert verify(journal=False) == []


def test_an_open_transaction_with_a_leaf_holds_up_no_other(log: Session, log_engine: Engine) -> None:
    append(log, "comment", "slow", {})
    with Session(log_engine) as other:
        other.execute(text("SET LOCAL lock_timeout = '1s'"))
        append(other, "comment", "quick", {})
        other.commit()
    log.commit()
    assert places(log) == [(0, "quick"), (1, "slow")]


@pytest.mark.parametrize("record", [{"a": float("nan")}, {"a": 2**60}, {"a": datetime.now(UTC)}, {"a": "\ud800"}])
def test_a_record_that_json_cannot_tell_exactly_is_refused(log: Session, record: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        append(log, "comment", "c1", record)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kzopen.leaf SET object_id = 'other'",
        "UPDATE kzopen.leaf SET record = '{}'",
        "UPDATE kzopen.leaf SET index = index + 100",
        "DELETE FROM kzopen.leaf",
        "TRUNCATE kzopen.leaf",
        "UPDATE kzopen.node SET hash = ''",
        "DELETE FROM kzopen.node",
        "DELETE FROM kzopen.head",
        "DELETE FROM kzopen.key",
    ],
)
def test_a_mistake_cannot_change_the_log(log: Session, add: Add, statement: str) -> None:
    add(2)
    with pytest.raises(DBAPIError, match="never changed"):
        log.execute(text(statement))


def test_proofs_of_many_leaves_are_those_of_each(log: Session, add: Add) -> None:
    add(12)
    assert proofs.inclusions(log, [0, 5, 12], 13) == [proofs.inclusion(log, index, 13) for index in (0, 5, 12)]


def test_a_missing_node_is_told(log: Session, add: Add) -> None:
    add(3)
    with unprotected(log):
        log.execute(text("DELETE FROM kzopen.node WHERE level = 1"))
    with pytest.raises(proofs.LogBroken, match=r"nodes of the log are missing: \[\(1, 0\)"):
        proofs.inclusion(log, 3, 4)
