"""Merkle tree hashing, inclusion and consistency proofs as in RFC 6962, section 2; pure functions.

A node `(level, index)` covers the leaves `index * 2**level` up to, not including, `(index + 1) * 2**level`. Only perfect
nodes, those whose leaves all exist, are kept: they never change. Every other hash of the RFC is folded from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

Node = tuple[int, int]
Span = tuple[int, int]
"""Leaves from the first number up to, not including, the second."""


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf; the first byte keeps leaves and nodes apart (second preimages)."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two below `size` (k of the RFC); `size` is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def perfect_nodes(span: Span) -> list[Node]:
    """The perfect nodes that make up a span which RFC 6962 hashes, largest first."""
    start, end = span
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of neighbours that grow smaller to the right: the last two are joined first."""
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def span_hash(span: Span, nodes: Mapping[Node, bytes]) -> bytes:
    """MTH of the leaves of a span, from its perfect nodes."""
    return fold([nodes[node] for node in perfect_nodes(span)])


def inclusion_spans(index: int, size: int) -> list[Span]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, as the spans whose hashes it lists; from the leaf up."""
    if not 0 <= index < size:
        raise ValueError(f"a log of {size} has no leaf {index}")
    spans, start, end = [], 0, size
    while end - start > 1:
        middle = start + split(end - start)
        spans.append((middle, end) if index < middle else (start, middle))
        start, end = (start, middle) if index < middle else (middle, end)
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """PROOF(first, D[second]) of RFC 6962 §2.1.2, as spans; empty when both are the same."""
    if not 0 < first <= second:
        raise ValueError(f"a log of {second} has no earlier size {first}")
    return [] if first == second else list(_subproof(first, 0, second, whole=True))


def _subproof(first: int, start: int, end: int, whole: bool) -> Iterator[Span]:
    """SUBPROOF; `first` counts from `start`, `whole`: the span is that of the first head, which the verifier knows."""
    if first == end - start:
        if not whole:
            yield (start, end)
        return
    middle = start + split(end - start)
    if first <= middle - start:
        yield from _subproof(first, start, middle, whole)
        yield (middle, end)
    else:
        yield from _subproof(first - (middle - start), middle, end, whole=False)
        yield (start, middle)


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf's hash to the root."""
    if not 0 <= index < size:
        return False
    spans = inclusion_spans(index, size)
    if len(spans) != len(proof):
        return False
    result = leaf
    for (start, _end), sibling in zip(spans, proof, strict=True):
        result = node_hash(sibling, result) if start <= index else node_hash(result, sibling)
    return result == root


def consistent(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the log of size `second` begins with that of size `first` (RFC 9162, §2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    steps = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not steps:
        return False
    last_of_first, last_of_second = first - 1, second - 1
    while last_of_first & 1:
        last_of_first, last_of_second = last_of_first >> 1, last_of_second >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if last_of_second == 0:
            return False
        if last_of_first & 1 or last_of_first == last_of_second:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while last_of_first and not last_of_first & 1:
                last_of_first, last_of_second = last_of_first >> 1, last_of_second >> 1
        else:
            newer = node_hash(newer, step)
        last_of_first, last_of_second = last_of_first >> 1, last_of_second >> 1
    return last_of_second == 0 and (older, newer) == (first_root, second_root)
