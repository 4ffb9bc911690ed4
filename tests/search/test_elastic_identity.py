"""Who we are, and whom we trust, on the way to an Elasticsearch: what really goes over the wire, and what is refused."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import EngineAway, Search
from ckanext.kzopen.search.engines.elastic.check import problems
from ckanext.kzopen.search.tree import All

from tests.authority import Authority, authority_in

ROOT = {"version": {"number": "8.19.0"}, "tagline": "You Know, for Search"}
FOUND = {"hits": {"total": {"value": 7, "relation": "eq"}, "hits": []}}
COUNT = Search(All(), labels=None, rows=0)


class Node(BaseHTTPRequestHandler):
    """Answers as an Elasticsearch that has seven documents, to whoever shows one of the known identities."""

    known = (f"Basic {base64.b64encode(b'kz:p:w/1').decode()}", "ApiKey bmFtZTprZXk=")

    def answer(self) -> None:
        allowed = self.headers.get("Authorization") in self.known
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said: dict[str, Any] = {"error": {"type": "security_exception", "reason": "who are you?"}, "status": 401}
        if allowed:
            said = ROOT if self.path == "/" else FOUND
        body = json.dumps(said).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - names of the library

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return authority_in(tmp_path)


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Silent: clients hang up on it here."""


@contextmanager
def serving(authority: Authority, name: str) -> Iterator[str]:
    """`host:port` of a node that shows a certificate for this name."""
    server = Server(("127.0.0.1", 0), Node)
    server.socket = authority.context(name).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def node(authority: Authority) -> Iterator[str]:
    with serving(authority, "127.0.0.1") as found:
        yield found


def address(login: str, node: str, *options: str) -> str:
    return f"elasticsearch+https://{login}{node}/portal?{'&'.join(options)}"


@pytest.mark.parametrize(("login", "key"), [("kz:p%3Aw%2F1@", ""), ("", "api_key=bmFtZTprZXk%3D")])
def test_password_and_key_reach_a_node_that_our_authority_vouches_for(
    node: str, authority: Authority, tmp_path: Path, login: str, key: str
) -> None:
    url = address(login, node, f"ca={authority.file}", key)
    assert list(problems(url)) == []
    assert engine_of(url, tmp_path).reader().search(COUNT).hits == 7


def test_a_wrong_password_is_told(node: str, authority: Authority) -> None:
    (problem,) = problems(address("kz:wrong@", node, f"ca={authority.file}"))
    assert re.fullmatch("Elasticsearch says 401 .*: name and password, or the API key, are not right.", problem)


@pytest.mark.parametrize("trusted", ["another", "none"])
def test_a_node_that_nobody_vouches_for_is_refused_in_a_sentence(node: str, tmp_path: Path, trusted: str) -> None:
    (tmp_path / "other").mkdir()
    ca = [f"ca={authority_in(tmp_path / 'other').file}"] if trusted == "another" else []
    url = address("kz:p%3Aw%2F1@", node, *ca)
    sentence = "The certificate of Elasticsearch is not trusted: name the file of its authority with ca="
    assert [problem[: len(sentence)] for problem in problems(url)] == [sentence]
    with pytest.raises(EngineAway, match=sentence):
        engine_of(url, tmp_path).reader().search(COUNT)


def test_a_certificate_for_another_name_is_told(authority: Authority) -> None:
    with serving(authority, "es.example") as node:
        (problem,) = problems(address("kz:p%3Aw%2F1@", node, f"ca={authority.file}"))
    assert problem == "The certificate of Elasticsearch is for another name."


@pytest.mark.parametrize("content", [None, "this is no certificate"])
def test_a_file_that_holds_no_authority_is_told(node: str, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "mine.pem"
    if content:
        file.write_text(content)
    (problem,) = problems(address("kz:p%3Aw%2F1@", node, f"ca={file}"))
    assert problem == f"{file} (ca=) cannot be read as certificates."
