"""Merkle tree hashing and proofs, against the vectors of Certificate Transparency and the definitions of RFC 6962."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core.record import hashing
from hypothesis import given
from hypothesis import strategies as st

from tests.core.record.vectors import CONSISTENCY, INCLUSION, LEAVES, ROOTS

Pair = tuple[int, int]


def all_nodes(hashes: list[bytes]) -> dict[hashing.Node, bytes]:
    """Every perfect node over these leaf hashes."""
    nodes, level = {}, 0
    while hashes:
        nodes |= {(level, index): found for index, found in enumerate(hashes)}
        hashes = [hashing.node_hash(hashes[n], hashes[n + 1]) for n in range(0, len(hashes) - 1, 2)]
        level += 1
    return nodes


def defined_root(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 defines it."""
    if len(hashes) == 1:
        return hashes[0]
    k = hashing.split(len(hashes))
    return hashing.node_hash(defined_root(hashes[:k]), defined_root(hashes[k:]))


NODES = all_nodes([hashing.leaf_hash(leaf) for leaf in LEAVES])


def proof_of(spans: list[hashing.Span]) -> list[str]:
    return [hashing.span_hash(span, NODES).hex() for span in spans]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_vectors(size: int) -> None:
    assert hashing.span_hash((0, size), NODES).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("place", INCLUSION)
def test_inclusion_proofs_are_those_of_the_vectors(place: Pair) -> None:
    assert proof_of(hashing.inclusion_spans(*place)) == INCLUSION[place]


@pytest.mark.parametrize("sizes", CONSISTENCY)
def test_consistency_proofs_are_those_of_the_vectors(sizes: Pair) -> None:
    assert proof_of(hashing.consistency_spans(*sizes)) == CONSISTENCY[sizes]


sizes = st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size)))


@given(sizes, st.data())
def test_every_proof_of_inclusion_holds_for_its_own_leaf_only(sizes: Pair, data: st.DataObject) -> None:
    index, size = sizes[0] - 1, sizes[1]
    hashes = [hashing.leaf_hash(bytes([n])) for n in range(size)]
    nodes, root = all_nodes(hashes), defined_root(hashes)
    proof = [hashing.span_hash(span, nodes) for span in hashing.inclusion_spans(index, size)]
    assert hashing.included(hashes[index], index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index)) if size > 1 else -1
    assert not hashing.included(hashes[other], index, size, proof, root) or size == 1
    assert not hashing.included(hashes[index], other, size, proof, root)
    assert not hashing.included(hashes[index], index, size, [*proof, root], root)


@given(sizes)
def test_every_proof_of_consistency_holds_for_its_own_roots_only(sizes: Pair) -> None:
    first, second = sizes
    hashes = [hashing.leaf_hash(bytes([n])) for n in range(second)]
    nodes = all_nodes(hashes)
    older, newer = defined_root(hashes[:first]), defined_root(hashes)
    proof = [hashing.span_hash(span, nodes) for span in hashing.consistency_spans(first, second)]
    assert hashing.consistent(first, second, older, newer, proof)
    assert not hashing.consistent(first, second, bytes(32), newer, proof)
    assert not hashing.consistent(first, second, older, bytes(32), proof)
    assert not hashing.consistent(first, second, older, newer, [*proof, older])
    assert not (proof and hashing.consistent(first, second, older, newer, proof[:-1]))


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_there_is_no_proof_of_a_leaf_outside(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        hashing.inclusion_spans(index, size)
    assert not hashing.included(bytes(32), index, size, [], bytes(32))


@pytest.mark.parametrize(("first", "second"), [(0, 4), (5, 4), (-1, 4)])
def test_there_is_no_proof_between_sizes_that_cannot_be(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="has no earlier size"):
        hashing.consistency_spans(first, second)
    assert not hashing.consistent(first, second, bytes(32), bytes(32), [])
