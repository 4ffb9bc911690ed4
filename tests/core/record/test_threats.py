"""What is found when an attacker has (a) the database, (b) also the key, (c) also every head on the server.

Each line of the table in `docs/record.md` has its test here. `verify()` is what ./kzopen doctor does, `kzopen_verifier` what a
reader does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.core.record import append, erase, heads, keys, proofs
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.proofs import LogBroken
from ckanext.kzopen.core.record.receipts import receipt
from ckanext.kzopen.core.record.tables import Key, Leaf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.orm import Session

from api_clients.verifier import kzopen_verifier as verifier
from tests.core.record.attacks import cut, drop_heads, edit, rewrite, set_node, sign_again
from tests.core.record.conftest import unprotected

PORTAL = "https://portal.example.org"
LIE = {"text": "бәрі жақсы"}
Add = Callable[[int], list[Leaf]]
Sign = Callable[[], dict[str, Any]]
Verify = Callable[..., list[str]]
Watching = Callable[[], verifier.Watch]


@pytest.fixture
def watching(log: Session, key: Key, tmp_path: Path) -> Watching:
    """A reader who keeps heads; asks the log without HTTP in between."""

    def get(address: str) -> Any:
        if address == "/record/keys.json":
            return {"keys": keys.history(log)}
        if address == "/record/head.json":
            head = heads.latest(log)
            assert head is not None
            return heads.as_dict(head)
        first, second = map(int, re.findall(r"\d+", address))
        if second > proofs.log_size(log):
            raise LookupError(address)
        return {"proof": [step.hex() for step in proofs.consistency(log, first, second)]}

    public = key.public.hex()
    return lambda: verifier.Watch(PORTAL, str(tmp_path / "heads.json"), public, get)


def wrong(action: Callable[[], object]) -> str:
    with pytest.raises(verifier.Wrong) as caught:
        action()
    return caught.value.code


def test_nothing_is_found_in_a_log_that_nobody_touched(log: Session, add: Add, sign: Sign, verify: Verify) -> None:
    add(3)
    sign()
    add(4)
    sign()
    assert verify() == []
    assert verify(journal=False) == []


# (a) the database


def test_a1_an_edited_text_is_found(log: Session, add: Add, sign: Sign, verify: Verify) -> None:
    add(3)
    sign()
    edit(log, 2, LIE)
    assert verify() == ["leaf 2 (comment c1) is not what was recorded"]


@pytest.mark.parametrize("column", ["kind", "object_id", "at"])
def test_a1_an_edited_circumstance_is_found(log: Session, add: Add, sign: Sign, verify: Verify, column: str) -> None:
    leaf = add(3)[1]
    sign()
    edit(log, 2, leaf.record or {}, **{column: "2020-01-01" if column == "at" else "other"})
    assert len(verify()) == 1


def test_a2_a_deleted_row_is_found(log: Session, add: Add, sign: Sign, verify: Verify) -> None:
    add(3)
    sign()
    with unprotected(log):
        log.execute(text("DELETE FROM kzopen.leaf WHERE index = 2"))
    assert verify() == ["leaf 2 is missing"]


def test_a3_a_changed_node_is_found(log: Session, add: Add, sign: Sign, verify: Verify) -> None:
    add(3)
    with unprotected(log):
        set_node(log, 1, 1, bytes(32))
    assert verify() == ["node 1/1 does not fit those below it", "node 2/0 does not fit those below it"]


def test_a3_a_deleted_node_is_found(log: Session, add: Add, verify: Verify) -> None:
    add(3)
    with unprotected(log):
        log.execute(text("DELETE FROM kzopen.node WHERE level = 1 AND index = 1"))
    assert verify() == ["node 1/1 is missing"]


def test_a4_a_log_rewritten_with_all_its_hashes_contradicts_its_signed_head(
    log: Session, add: Add, sign: Sign, verify: Verify
) -> None:
    add(3)
    head = sign()
    rewrite(log, 2, LIE)
    assert verify() == [f"the log is not the one whose head of 4 leaves was signed ({head['at']})"]


def test_a4_the_portal_signs_no_head_that_contradicts_the_last(log: Session, ring: Ring, add: Add, sign: Sign) -> None:
    add(3)
    sign()
    rewrite(log, 2, LIE)
    add(1)
    with pytest.raises(LogBroken, match="does not agree with its signed head of 4 leaves"):
        heads.make(log, ring)


def test_a4_the_portal_signs_no_shorter_log(log: Session, ring: Ring, add: Add, sign: Sign) -> None:
    add(3)
    sign()
    cut(log, 2)
    with pytest.raises(LogBroken, match="a head of 4 leaves was signed, the log has 2"):
        heads.make(log, ring)


def test_a5_the_end_of_the_log_and_its_heads_deleted_is_found_by_the_journal(
    log: Session, add: Add, sign: Sign, verify: Verify
) -> None:
    add(3)
    head = sign()
    cut(log, 2)
    drop_heads(log)
    assert verify() == [f"the head of 4 leaves ({head['at']}) was signed, but the log has 2"]
    assert verify(journal=False) == []


def test_a6_what_no_head_covers_yet_can_be_deleted_but_its_receipt_stays_a_signed_promise(
    log: Session, ring: Ring, key: Key, add: Add, sign: Sign, verify: Verify
) -> None:
    add(2)
    sign()
    leaf = append(log, "comment", "c9", {"text": "маңызды"})
    log.commit()
    given = receipt(log, ring, leaf.id, PORTAL)
    log.commit()
    cut(log, 3)
    assert verify() == []
    ((code, said),) = verifier.verify(given, key.public)
    assert (code, said["index"]) == ("promised", 3)


def test_a7_a_text_taken_away_without_a_leaf_that_tells_of_it_is_found(log: Session, add: Add, verify: Verify) -> None:
    add(3)
    with unprotected(log):
        log.execute(text("UPDATE kzopen.leaf SET record = NULL, nonce = NULL, erased = 'a court' WHERE index = 2"))
    assert verify() == ["the text of leaf 2 is gone, and no leaf tells of its erasure"]


def test_a7_an_erasure_by_order_is_no_finding_but_another_circumstance_is(log: Session, add: Add, verify: Verify) -> None:
    erase(log, add(3)[1].id, "a court")
    log.commit()
    assert verify() == []
    with unprotected(log):
        log.execute(text("UPDATE kzopen.leaf SET object_id = 'other' WHERE index = 2"))
    assert verify() == ["leaf 2 is not what the leaf of its erasure tells"]


def test_a8_a_leaf_kept_out_of_the_log_is_found(log: Session, add: Add, verify: Verify) -> None:
    add(1)
    with unprotected(log):
        leaf = append(log, "comment", "c9", {})
    assert verify() == [f"record {leaf.id} was stored without a place in the log"]


def test_a9_a_key_slipped_in_is_found(log: Session, add: Add, sign: Sign, verify: Verify, tmp_path: Path) -> None:
    add(2)
    sign()
    rewrite(log, 2, LIE)
    theirs, own = Ring(tmp_path / "theirs", "x"), keys.in_use(log)
    assert own is not None
    new = keys.rotate(log, theirs, lost=True)
    log.commit()
    head = sign_again(log, theirs)
    name = f"key {new.id[:16]} is endorsed by no earlier key and not noted in the journal"
    assert name in verify()
    assert verify(journal=False) == [name]
    assert wrong(lambda: verifier.check_signature(head, verifier.trusted_keys(keys.history(log), own.public), "head")) == (
        "wrong_signature"
    )


# (b) also the key


def test_b1_a_rewritten_log_contradicts_the_heads_that_were_left(
    log: Session, ring: Ring, add: Add, sign: Sign, verify: Verify
) -> None:
    add(3)
    first = sign()
    rewrite(log, 2, LIE)
    sign_again(log, ring)
    assert verify() == [f"the log is not the one whose head of 4 leaves was signed ({first['at']})"]


# (c) also every head on the server


def test_c1_nothing_is_found_on_the_server(log: Session, ring: Ring, add: Add, sign: Sign, verify: Verify) -> None:
    add(3)
    sign()
    rewrite(log, 2, LIE)
    sign_again(log, ring)
    assert verify(journal=False) == []


def test_c2_who_kept_a_head_has_two_that_do_not_agree(
    log: Session, ring: Ring, add: Add, sign: Sign, watching: Watching
) -> None:
    add(3)
    kept = sign()
    watching().look()
    rewrite(log, 2, LIE)
    add(1)
    new = sign_again(log, ring)
    assert wrong(watching().look) == "apart"
    assert watching().kept["apart"] == [[kept, new]]
    assert watching().kept["heads"] == [kept]


def test_c2_a_log_cut_short_is_seen_too(log: Session, ring: Ring, add: Add, sign: Sign, watching: Watching) -> None:
    add(5)
    kept = sign()
    watching().look()
    cut(log, 3)
    new = sign_again(log, ring)
    assert wrong(watching().look) == "apart"
    assert watching().kept["apart"] == [[new, kept]]


def test_c3_who_kept_a_receipt_has_a_signed_head_that_the_log_contradicts(
    log: Session, ring: Ring, key: Key, add: Add, sign: Sign, watching: Watching
) -> None:
    leaf = add(3)[1]
    sign()
    kept = receipt(log, ring, leaf.id, PORTAL)
    rewrite(log, 2, LIE)
    sign_again(log, ring)
    assert verifier.verify(kept, key.public)[0][0] == "recorded"
    assert wrong(lambda: watching().look([kept["head"]])) == "apart"


def test_c4_a_new_reader_without_receipt_or_head_finds_nothing(
    log: Session, ring: Ring, add: Add, sign: Sign, watching: Watching
) -> None:
    add(3)
    sign()
    rewrite(log, 2, LIE)
    sign_again(log, ring)
    assert watching().look() == [("continues", {"size": 4, "kept": 1})]


def test_a_private_key_is_of_no_use_without_its_password(ring: Ring, key: Key) -> None:
    with pytest.raises(keys.KeyMissing, match="cannot be opened"):
        Ring(ring.folder, "guess").private(key.id)
    assert (ring.file_of(key.id).stat().st_mode & 0o777, ring.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert isinstance(ring.private(key.id), Ed25519PrivateKey)
