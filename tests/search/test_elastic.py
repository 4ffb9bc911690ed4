"""An index in Elasticsearch: moved in one step by a rebuild, left alone while nobody answers, and nobody else's."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ckanext.kzopen.search import document
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import EngineAway, EngineError, Entry, Facet, Search, Sort
from ckanext.kzopen.search.engines.elastic.address import read
from ckanext.kzopen.search.engines.elastic.client import client
from ckanext.kzopen.search.engines.elastic.indexes import current
from ckanext.kzopen.search.tree import All, Term
from sqlalchemy import Engine

from tests.search.conftest import SITE, delete_indexes, source, until
from tests.search.test_indexer import EVERYTHING, Bench


class Gate(threading.Thread):
    """Stands before an Elasticsearch; closed, it lets nobody in and cuts off those inside."""

    def __init__(self, target: str) -> None:
        super().__init__(daemon=True)
        host, _colon, port = target.rpartition(":")
        self._target = (host, int(port))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.open = True
        self._inside: list[socket.socket] = []
        self.start()

    def run(self) -> None:
        while True:
            try:
                comer, _address = self._door.accept()
            except OSError:
                return
            if not self.open:
                comer.close()
                continue
            beyond = socket.create_connection(self._target)
            self._inside += [comer, beyond]
            for one, other in ((comer, beyond), (beyond, comer)):
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    def shut(self) -> None:
        self.open = False
        for end in self._inside:
            end.close()
        self._inside.clear()

    def end(self) -> None:
        self.shut()
        self._door.close()


def _carry(source_: socket.socket, target: socket.socket) -> None:
    try:
        while told := source_.recv(65536):
            target.sendall(told)
    except OSError:
        pass
    finally:
        for end in (source_, target):
            end.close()


@pytest.fixture
def gate(elasticsearch: str) -> Iterator[Gate]:
    gate = Gate(elasticsearch)
    yield gate
    gate.end()


@pytest.fixture
def prefix(elasticsearch: str) -> Iterator[str]:
    """A prefix of the test's own."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    delete_indexes(f"elasticsearch://{elasticsearch}/{name}")


def entries(*names: str) -> Iterator[Entry]:
    return iter([document.from_solr(source(name), SITE).entry() for name in names])


def test_a_rebuild_moves_the_alias_and_leaves_one_index(elasticsearch: str, prefix: str, tmp_path: Path) -> None:
    address = f"elasticsearch://{elasticsearch}/{prefix}"
    engine = engine_of(address, tmp_path)
    reader = engine.reader()
    with pytest.raises(EngineError, match=r"no such index|index_not_found"):
        reader.search(EVERYTHING)
    engine.built(entries("a", "b"))
    first = current(client(read(address)), prefix)

    def slow() -> Iterator[Entry]:
        for one in entries("b", "c", "d"):
            assert reader.search(EVERYTHING).hits == 2
            yield one

    engine.built(slow())
    assert {found["name"] for found in reader.search(EVERYTHING).documents} == {"b", "c", "d"}
    names = list(client(read(address)).indices.get(index=f"{prefix}-*").body)
    assert (len(names), first in names) == (1, False)


def settings_of(address: str) -> dict[str, str]:
    """Shards and replicas of the index that counts, as the node tells them."""
    elastic, where = client(read(address)), read(address)
    (told,) = elastic.indices.get_settings(index=current(elastic, where.prefix)).body.values()
    return {name: told["settings"]["index"][f"number_of_{name}"] for name in ("shards", "replicas")}


def test_shards_and_replicas_are_those_of_the_address(elasticsearch: str, prefix: str, tmp_path: Path) -> None:
    address = f"elasticsearch://{elasticsearch}/{prefix}?shards=2"
    engine_of(address, tmp_path).built(entries("a"))
    assert settings_of(address) == {"shards": "2", "replicas": "0"}
    engine_of(f"{address}&replicas=1", tmp_path).writer()
    assert settings_of(address) == {"shards": "2", "replicas": "1"}, "other replicas act at the next start"


def test_several_shards_answer_as_one(elasticsearch: str, prefix: str, tmp_path: Path) -> None:
    """Each tag lies in few documents, so that a shard's own most frequent tags are not those of all."""
    sources = [
        source(f"d{n:03d}", title=f"w{n % 3}", tags=[f"t{n * n % 97}", f"t{n % 53}"], res_format=["CSV"]) for n in range(300)
    ]
    facets = (Facet("tags", 3, 1), Facet("res_format", None, 1), Facet("tags", None, 5))
    for shards in (1, 5):
        address = f"elasticsearch://{elasticsearch}/{prefix}-{shards}?shards={shards}"
        engine_of(address, tmp_path).built(iter(document.from_solr(one, SITE).entry() for one in sources))
    try:
        for query in (All(), Term("title", "w1"), Term("tags", "t4")):
            for facet in facets:
                for start in (0, 40):
                    asked = Search(query, None, sort=(Sort("name", True),), start=start, rows=30, facets=(facet,))
                    one, several = (
                        engine_of(f"elasticsearch://{elasticsearch}/{prefix}-{shards}", tmp_path).reader().search(asked)
                        for shards in (1, 5)
                    )
                    assert [found["name"] for found in one.documents] == [found["name"] for found in several.documents]
                    assert (one.hits, one.facets) == (several.hits, several.facets)
    finally:
        for shards in (1, 5):
            delete_indexes(f"elasticsearch://{elasticsearch}/{prefix}-{shards}")


def test_another_portal_whose_prefix_begins_alike_is_left_alone(elasticsearch: str, prefix: str, tmp_path: Path) -> None:
    other = f"elasticsearch://{elasticsearch}/{prefix}-too"
    engine_of(other, tmp_path).built(entries("theirs"))
    try:
        engine = engine_of(f"elasticsearch://{elasticsearch}/{prefix}", tmp_path)
        engine.built(entries("ours"))
        engine.built(entries("ours", "again"))
        assert engine_of(other, tmp_path).reader().search(EVERYTHING).hits == 1
        assert engine.reader().search(EVERYTHING).hits == 2
    finally:
        delete_indexes(other)


def test_an_elasticsearch_that_is_away_is_not_taken_for_a_missing_index(tmp_path: Path) -> None:
    engine = engine_of("elasticsearch://127.0.0.1:1/portal", tmp_path)
    with pytest.raises(EngineAway):
        engine.reader().search(EVERYTHING)
    with pytest.raises(EngineAway):
        engine.writer()
    assert engine.present()


def test_what_was_written_while_it_was_away_is_found_when_it_is_back(
    gate: Gate, prefix: str, database: Engine, tmp_path: Path, elasticsearch: str
) -> None:
    bench = Bench(database, tmp_path)
    address = f"elasticsearch://{gate.address}/{prefix}"
    bench.ini.write_text(f"{bench.ini.read_text()}kzopen.search_url = {address}\n", encoding="utf-8")
    bench.reader = engine_of(f"elasticsearch://{elasticsearch}/{prefix}", tmp_path).reader()
    with bench.indexer() as process:
        bench.write("before")
        until(bench.in_step)
        index = current(client(read(f"elasticsearch://{elasticsearch}/{prefix}")), prefix)
        gate.shut()
        bench.write(*(f"while-away-{number}" for number in range(20)))
        with pytest.raises(EngineAway):
            engine_of(address, tmp_path).reader().search(EVERYTHING)
        gate.open = True
        until(bench.in_step)
        assert process.poll() is None
    assert bench.names() == {"before", *(f"while-away-{number}" for number in range(20))}
    assert current(client(read(f"elasticsearch://{elasticsearch}/{prefix}")), prefix) == index, "nothing had to be built anew"
