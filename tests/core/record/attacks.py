"""What an attacker with the database does: all hashes recomputed, so that the log agrees with itself again."""

from __future__ import annotations

import json
from typing import Any

from ckanext.kzopen.core.record.hashing import leaf_hash, node_hash
from ckanext.kzopen.core.record.heads import TYPE
from ckanext.kzopen.core.record.keys import Ring, in_use
from ckanext.kzopen.core.record.keys import sign as signed_by_the_portal
from ckanext.kzopen.core.record.log import content, moment
from ckanext.kzopen.core.record.proofs import log_size, root
from ckanext.kzopen.core.record.tables import Leaf
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.core.record.conftest import unprotected


def edit(log: Session, index: int, record: dict[str, Any], **columns: Any) -> None:
    """Change the text of a leaf, and other columns, and nothing else."""
    with unprotected(log):
        changes = "".join(f", {name} = :{name}" for name in columns)
        statement = text(f"UPDATE kzopen.leaf SET record = CAST(:record AS json){changes} WHERE index = :index")
        log.execute(statement, {"record": json.dumps(record, separators=(",", ":")), "index": index} | columns)


def rewrite(log: Session, index: int, record: dict[str, Any]) -> None:
    """Change the text of a leaf, its hash, and every node above it."""
    edit(log, index, record)
    leaf = log.scalars(select(Leaf).where(Leaf.index == index).execution_options(populate_existing=True)).one()
    assert leaf.nonce is not None
    told = json.dumps(record, separators=(",", ":"))
    digest = leaf_hash(content(leaf.kind, leaf.object_id, moment(leaf.at), leaf.nonce, told))
    with unprotected(log):
        log.execute(text("UPDATE kzopen.leaf SET hash = :hash WHERE index = :index"), {"hash": digest, "index": index})
        set_node(log, 0, index, digest)
        rebuild(log)


def cut(log: Session, size: int) -> None:
    """Leave only the first leaves, with the nodes that stand on them."""
    with unprotected(log):
        log.execute(text("DELETE FROM kzopen.leaf WHERE index >= :size"), {"size": size})
        log.execute(text("DELETE FROM kzopen.node WHERE (index + 1) << level > :size"), {"size": size})


def rebuild(log: Session) -> None:
    """Compute all nodes above the leaves anew."""
    level, below = 0, nodes_of(log, 0)
    while len(below) > 1:
        level += 1
        below = [node_hash(below[n], below[n + 1]) for n in range(0, len(below) - 1, 2)]
        for index, digest in enumerate(below):
            set_node(log, level, index, digest)


def nodes_of(log: Session, level: int) -> list[bytes]:
    query = text("SELECT hash FROM kzopen.node WHERE level = :level ORDER BY index")
    return [bytes(digest) for digest in log.scalars(query, {"level": level})]


def set_node(log: Session, level: int, index: int, digest: bytes) -> None:
    statement = text("UPDATE kzopen.node SET hash = :hash WHERE level = :level AND index = :index")
    log.execute(statement, {"hash": digest, "level": level, "index": index})


def drop_heads(log: Session) -> None:
    with unprotected(log):
        log.execute(text("DELETE FROM kzopen.head"))


def sign_again(log: Session, ring: Ring) -> dict[str, Any]:
    """With the stolen key: throw all heads away and sign the log as it is now."""
    drop_heads(log)
    assert in_use(log) is not None
    size = log_size(log)
    head = signed_by_the_portal(log, ring, {"type": TYPE, "size": size, "root": root(log, size).hex()})
    log.execute(
        text("INSERT INTO kzopen.head VALUES (:size, decode(:root, 'hex'), :at, :key, decode(:signature, 'hex'))"), head
    )
    log.commit()
    return head
