"""The verifier's own arithmetic: against published vectors, and against the portal's, which it does not share."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from ckanext.kzopen.core.record import canonical as portal_canonical
from ckanext.kzopen.core.record import hashing
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from api_clients.verifier import kzopen_verifier as verifier
from tests.core.record.test_log_canonical import values
from tests.core.record.test_log_hashing import all_nodes, defined_root, sizes
from tests.core.record.vectors import CONSISTENCY, ED25519, INCLUSION, LEAVES, NUMBERS, PRIMITIVES, ROOTS, SORTED


def root(size: int) -> bytes:
    return bytes.fromhex(ROOTS[size - 1])


def steps(proof: list[str]) -> list[bytes]:
    return [bytes.fromhex(step) for step in proof]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_inclusion_proofs_of_the_vectors_hold(index: int, size: int) -> None:
    proof, leaf = steps(INCLUSION[index, size]), verifier.leaf_hash(LEAVES[index])
    assert verifier.included(leaf, index, size, proof, root(size))
    assert not verifier.included(leaf, index, size, proof, bytes(32))
    assert not verifier.included(leaf, index, size, [*proof, bytes(32)], root(size))
    assert not verifier.included(leaf, size, size, proof, root(size))


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_the_consistency_proofs_of_the_vectors_hold(first: int, second: int) -> None:
    proof = steps(CONSISTENCY[first, second])
    assert verifier.consistent(first, second, root(first), root(second), proof)
    assert not verifier.consistent(first, second, bytes(32), root(second), proof)
    assert not verifier.consistent(first, second, root(first), bytes(32), proof)
    assert not verifier.consistent(second + 1, second, root(first), root(second), proof)


@settings(max_examples=60, deadline=None)
@given(sizes, st.booleans())
def test_it_judges_proofs_as_the_portal_does(sizes: tuple[int, int], spoil: bool) -> None:
    first, second = sizes
    hashes = [hashing.leaf_hash(bytes([n])) for n in range(second)]
    nodes, roots = all_nodes(hashes), (defined_root(hashes[:first]), defined_root(hashes))
    proof = [hashing.span_hash(span, nodes) for span in hashing.consistency_spans(first, second)]
    path = [hashing.span_hash(span, nodes) for span in hashing.inclusion_spans(first - 1, second)]
    if spoil:
        proof, path = [bytes(32), *proof[1:]], [*path[:-1], bytes(32)]
    assert verifier.consistent(first, second, *roots, proof) is hashing.consistent(first, second, *roots, proof) is not spoil
    arguments = (hashes[first - 1], first - 1, second, path, roots[1])
    assert verifier.included(*arguments) is hashing.included(*arguments) is not spoil


@pytest.mark.parametrize("bits", NUMBERS)
def test_numbers_are_told_as_rfc_8785_lists_them(bits: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert verifier.canonical(number).decode() == NUMBERS[bits]


def test_texts_and_names_are_told_as_in_rfc_8785() -> None:
    assert verifier.canonical(json.loads(PRIMITIVES["given"])).decode() == PRIMITIVES["canonical"]
    assert list(json.loads(verifier.canonical(json.loads(SORTED["given"]))).values()) == SORTED["values"]


@given(values)
def test_its_canonical_json_is_the_portals(value: Any) -> None:
    text = portal_canonical.canonical(value)
    assert verifier.canonical(value) == text
    assert verifier.canonical(json.loads(text)) == text


@pytest.mark.parametrize(("public", "message", "signature"), ED25519)
def test_the_signatures_of_rfc_8032_hold(public: str, message: str, signature: str) -> None:
    key, text, made = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert verifier.signed(key, text, made)
    assert not verifier.signed(key, text + b"x", made)
    assert not verifier.signed(key, text, made[:-1])
    assert not verifier.signed(
        key, text, made[:32] + (int.from_bytes(made[32:], "little") + verifier.ORDER).to_bytes(32, "little")
    )


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 95), st.integers(0, 7))
def test_a_signature_with_one_bit_changed_is_refused_as_openssl_refuses_it(message: bytes, place: int, bit: int) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    changed = bytearray(private.sign(message) + public)
    assert verifier.signed(public, message, bytes(changed[:64]))
    changed[place] ^= 1 << bit
    signature, other = bytes(changed[:64]), bytes(changed[64:])
    assert verifier.signed(other, message, signature) is openssl(other, message, signature) is False


def openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    "encoded", [b"\xff" * 32, (2**255 - 19).to_bytes(32, "little"), (1 | 1 << 255).to_bytes(32, "little"), b""]
)
def test_what_is_no_point_of_the_curve_signs_nothing(encoded: bytes) -> None:
    assert not verifier.signed(encoded, b"", bytes(64))
