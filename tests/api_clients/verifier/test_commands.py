"""The verifier as a reader runs it: a file, a plain Python, no packages, a portal that may lie."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.core.record import hashing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api_clients.verifier import kzopen_verifier as verifier
from tests.core.record.test_log_hashing import all_nodes

FILE = Path(verifier.__file__)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KEY = sha256(PUBLIC).hexdigest()


def signed(**said: Any) -> dict[str, Any]:
    return said | {"signature": PRIVATE.sign(verifier.canonical(said)).hex()}


KEYS = [signed(type="kzopen.record.key", key=KEY, public=PUBLIC.hex(), previous=None, since="2026-01-01T00:00:00.000000Z")]
LEAVES: list[dict[str, Any]] = [
    {
        "at": "2026-03-05T04:30:00.000000Z",
        "kind": "comment",
        "nonce": f"{n:032x}",
        "object": f"c{n}",
        "record": {"n": n, "x": 1.5},
    }
    for n in range(7)
]


class Log:
    """A small log with its signed heads, and what a server answers of it."""

    def __init__(self, leaves: list[dict[str, Any]]) -> None:
        self.hashes = [hashing.leaf_hash(verifier.canonical(leaf)) for leaf in leaves]
        self.nodes = all_nodes(self.hashes)

    def head(self, size: int) -> dict[str, Any]:
        root = hashing.span_hash((0, size), self.nodes).hex()
        at = f"2026-03-05T05:00:{size:02}.000000Z"
        return signed(type="kzopen.record.head", size=size, root=root, at=at, key=KEY)

    def proof(self, spans: list[hashing.Span]) -> list[str]:
        return [hashing.span_hash(span, self.nodes).hex() for span in spans]

    def receipt(self, index: int, size: int) -> dict[str, Any]:
        told = {"type": "kzopen.record.receipt", "index": index, "hash": self.hashes[index].hex(), "leaf": LEAVES[index]}
        return told | {"head": self.head(size), "proof": self.proof(hashing.inclusion_spans(index, size)), "keys": KEYS}

    def answers(self, size: int) -> dict[str, Any]:
        found: dict[str, Any] = {"/record/keys.json": {"keys": KEYS}, "/record/head.json": self.head(size)}
        for second in range(1, size + 1):
            for first in range(1, second + 1):
                proof = {"proof": self.proof(hashing.consistency_spans(first, second))}
                found[f"/record/consistency?from={first}&to={second}"] = proof
        return found


TRUE = Log(LEAVES)
OTHER = Log([*LEAVES[:2], LEAVES[0], *LEAVES[3:]])


def run(*words: str, cwd: Path | None = None) -> tuple[int, str]:
    """With `-I -S`: without this environment's packages."""
    done = subprocess.run([sys.executable, "-I", "-S", str(FILE), *words], capture_output=True, text=True, cwd=cwd, timeout=60)
    assert done.stderr == "" or done.returncode == 2, done.stderr
    return done.returncode, done.stdout.strip()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], str]:
    def written(document: Any) -> str:
        path = tmp_path / "document.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return str(path)

    return written


Files = Callable[[Any], str]


def test_it_needs_only_the_standard_library() -> None:
    tree = ast.parse(FILE.read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "Расталды: 3-жазба 2026-03-05T05:00:07.000000Z сәтінде қол қойылған журналда бар (7 жазба)."),
        ("ru", "Подтверждено: запись 3 есть в журнале, подписанном 2026-03-05T05:00:07.000000Z (7 записей)."),
        ("en", "Proven: leaf 3 is in the log that was signed at 2026-03-05T05:00:07.000000Z (7 leaves)."),
    ],
)
def test_a_true_receipt_is_proven_in_the_readers_language(file: Files, language: str, sentence: str) -> None:
    assert run("verify", file(TRUE.receipt(3, 7)), "--key", PUBLIC.hex(), "--lang", language) == (0, sentence)


def changed(*path: Any, to: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(TRUE.receipt(3, 7)))
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return document


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (changed("leaf", "record", "n", to=4), "wrong_text"),
        (changed("leaf", "at", to="2026-03-04T00:00:00.000000Z"), "wrong_text"),
        (changed("leaf", "nonce", to="00" * 16), "wrong_text"),
        (changed("leaf", to=None), "wrong_form"),
        (changed("index", to=2), "wrong_proof"),
        (changed("proof", 0, to="00" * 32), "wrong_proof"),
        (changed("proof", to=[]), "wrong_proof"),
        (changed("hash", to="00" * 32), "wrong_text"),
        (changed("head", "size", to=8), "wrong_signature"),
        (changed("head", "root", to="00" * 32), "wrong_signature"),
        (changed("head", "type", to="kzopen.record.promise"), "wrong_form"),
        (changed("head", "signature", to="00" * 64), "wrong_signature"),
        (changed("head", "signature", to="no digits"), "wrong_form"),
        (changed("head", to=None), "wrong_form"),
        (changed("keys", to=[]), "wrong_signature"),
        (changed("keys", 0, "since", to="2025-01-01T00:00:00.000000Z"), "wrong_keys"),
        (changed("keys", 0, "public", to="00" * 32), "wrong_keys"),
        (changed("type", to="something else"), "wrong_form"),
        ([], "wrong_form"),
        ({"head": OTHER.head(7)} | {k: v for k, v in TRUE.receipt(3, 7).items() if k != "head"}, "wrong_proof"),
    ],
)
def test_a_false_receipt_is_refused_for_its_reason(document: Any, code: str) -> None:
    with pytest.raises(verifier.Wrong) as caught:
        verifier.verify(document, PUBLIC)
    assert caught.value.code == code


def test_a_false_receipt_ends_the_command_with_1(file: Files) -> None:
    code, said = run("verify", file(changed("leaf", "record", "n", to=4)), "--key", PUBLIC.hex())
    assert (code, said) == (1, "WRONG: the text of leaf 3 is not what its hash was made from.")
    assert run("verify", file(TRUE.receipt(3, 7)), "--key", "00" * 32)[0] == 1


def test_a_file_that_is_not_there_or_a_key_that_is_none_ends_it_with_2(file: Files) -> None:
    assert run("verify", "/nowhere.json", "--key", PUBLIC.hex())[0] == 2
    assert run("verify", file({}), "--key", "abc")[0] == 2


def test_a_signed_promise_is_told_as_such() -> None:
    promise = signed(
        type="kzopen.record.promise", index=3, hash=TRUE.hashes[3].hex(), at="2026-03-05T04:30:01.000000Z", key=KEY, until="…"
    )
    document = {name: value for name, value in TRUE.receipt(3, 7).items() if name not in ("head", "proof")}
    assert verifier.verify(document | {"promise": promise}, PUBLIC) == [("promised", {"index": 3, "until": "…"})]
    with pytest.raises(verifier.Wrong) as caught:
        verifier.verify(document | {"promise": promise, "index": 4}, PUBLIC)
    assert caught.value.code == "wrong_proof"


def test_two_keys_that_both_follow_one_are_refused() -> None:
    second = signed(type="kzopen.record.key", key=KEY, public=PUBLIC.hex(), previous=KEY, since="2026-02-01T00:00:00.000000Z")
    with pytest.raises(verifier.Wrong) as caught:
        verifier.trusted_keys([*KEYS, second], PUBLIC)
    assert caught.value.code == "wrong_keys"


class Server:
    """A portal whose answers the test sets."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = server.answers.get(self.path)
                self.send_response(200 if found is not None else 400)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, format: str, *args: Any) -> None:
                """The test's output stays clean."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def kept(folder: Path) -> list[int]:
    return [head["size"] for head in json.loads((folder / "heads.json").read_text())["heads"]]


def test_heads_that_continue_each_other_are_kept(server: Server, tmp_path: Path) -> None:
    for size in (2, 3, 3, 7):
        server.answers = TRUE.answers(size)
        assert run("watch", server.url, "--key", PUBLIC.hex(), cwd=tmp_path)[0] == 0
    assert kept(tmp_path) == [2, 3, 7]


def test_a_rewritten_log_is_shown_with_both_heads_and_a_later_look_still_says_so(server: Server, tmp_path: Path) -> None:
    server.answers = TRUE.answers(4)
    run("watch", server.url, cwd=tmp_path)
    server.answers = OTHER.answers(7)
    for _ in range(2):
        code, said = run("watch", server.url, cwd=tmp_path)
        assert code == 1
        assert json.dumps(TRUE.head(4)) in said
        assert json.dumps(OTHER.head(7)) in said
    assert kept(tmp_path) == [4]
    assert json.loads((tmp_path / "heads.json").read_text())["apart"][0] == [TRUE.head(4), OTHER.head(7)]


@pytest.mark.parametrize("size", [3, 4])
def test_an_equal_or_shorter_log_that_differs_is_shown(server: Server, tmp_path: Path, size: int) -> None:
    server.answers = TRUE.answers(4)
    run("watch", server.url, cwd=tmp_path)
    server.answers = OTHER.answers(size)
    assert run("watch", server.url, cwd=tmp_path)[0] == 1


def test_an_older_head_of_the_same_log_is_no_contradiction(server: Server, tmp_path: Path) -> None:
    server.answers = TRUE.answers(7)
    run("watch", server.url, cwd=tmp_path)
    server.answers["/record/head.json"] = TRUE.head(3)
    assert run("watch", server.url, cwd=tmp_path)[0] == 0
    assert kept(tmp_path) == [3, 7]


def test_the_head_of_a_receipt_must_agree_too(server: Server, tmp_path: Path, file: Files) -> None:
    server.answers = OTHER.answers(7)
    assert run("watch", server.url, "--receipt", file(OTHER.receipt(3, 4)), cwd=tmp_path)[0] == 0
    assert run("watch", server.url, "--receipt", file(TRUE.receipt(3, 5)), cwd=tmp_path)[0] == 1


def test_the_key_seen_first_is_kept(server: Server, tmp_path: Path) -> None:
    server.answers = TRUE.answers(3)
    run("watch", server.url, cwd=tmp_path)
    assert json.loads((tmp_path / "heads.json").read_text())["key"] == PUBLIC.hex()
    assert run("watch", server.url, "--key", "00" * 32, cwd=tmp_path)[0] == 1


def test_a_portal_that_does_not_answer_proves_nothing(tmp_path: Path) -> None:
    code, said = run("watch", "http://127.0.0.1:9", cwd=tmp_path)
    assert code == 2
    assert said.startswith("The portal did not answer")
