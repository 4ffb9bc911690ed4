"""The process that writes the index: killed, doubled, robbed of its files or its database, the index follows all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import health, store, topics
from ckanext.kzopen.search.document import key_of
from ckanext.kzopen.search.engines.base import EngineError, Reader, Search
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine
from ckanext.kzopen.search.engines.tantivy.reader import TantivyReader
from ckanext.kzopen.search.indexing import Indexing
from ckanext.kzopen.search.tree import All
from ckanext.kzopen.search.waiting import DONE_CHANNEL
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from tests.mortals import Death, dies
from tests.search.conftest import SITE, made, migrate, until

LOOKS_OFTEN = "import sys; from ckanext.kzopen.search import indexer; indexer.IDLE = {}; indexer.main()"
EVERYTHING = Search(All(), labels=None, rows=1000)


class Bench:
    """A database, an index folder, and indexers that work on them."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.index = folder / "index"
        self.ini = folder / "test.ini"
        address = engine.url.render_as_string(hide_password=False).replace("%", "%%")
        self.ini.write_text(f"[app:main]\nsqlalchemy.url = {address}\nkzopen.search_path = {self.index}\n", encoding="utf-8")
        self.reader: Reader = TantivyReader(self.index)

    @contextmanager
    def indexer(self, idle: float | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """An indexer as the portal has it, or one that looks after its files every `idle` seconds."""
        program = ["-m", "ckanext.kzopen.search.indexer"] if idle is None else ["-c", LOOKS_OFTEN.format(idle)]
        process = subprocess.Popen([sys.executable, *program, str(self.ini)])
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)

    def write(self, *names: str) -> None:
        for name in names:
            with self.engine.begin() as connection:
                store.put(connection, made(name, title=f"title of {name}"))

    def names(self) -> set[str]:
        try:
            return {document["name"] for document in self.reader.search(EVERYTHING).documents}
        except EngineError:
            return set()

    def in_step(self) -> bool:
        with self.engine.connect() as connection:
            if outbox.pending(connection, topics.INDEX).rows:
                return False
            try:
                return store.hashes(connection) == self.reader.hashes()
            except EngineError:
                return False


@pytest.fixture
def bench(database: Engine, tmp_path: Path) -> Bench:
    return Bench(database, tmp_path)


def test_all_documents_come_though_they_are_fetched_a_few_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_FETCHED", 2)
    bench.write(*"abcde")
    with bench.engine.connect() as connection:
        assert {entry.key for entry in store.all_entries(connection)} == {key_of(name, SITE) for name in "abcde"}
        entries = store.all_entries(connection)
        assert next(entries).key in {key_of(name, SITE) for name in "abcde"}
        entries.close()
        assert store.count(connection) == 5, "a reader who stops early leaves nobody at the connection"


def test_what_is_committed_is_found_and_what_is_rolled_back_is_not(bench: Bench) -> None:
    with bench.indexer():
        bench.write("a")
        connection = bench.engine.connect()
        connection.begin()
        store.put(connection, made("never"))
        until(bench.in_step)
        connection.close()
        bench.write("b")
        until(bench.in_step)
        assert bench.names() == {"a", "b"}
        with bench.engine.begin() as connection:
            assert len(store.remove(connection, SITE, "package", "a")) == 1
        until(bench.in_step)
        assert bench.names() == {"b"}


def test_what_is_acknowledged_is_in_the_index(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench.engine.connect() as connection:
        with connection.begin():
            outbox.register(connection, outbox.Consumer(topics.INDEX, frozenset({topics.CHANGED, topics.REBUILD})))
        indexing = Indexing(bench.engine, TantivyEngine(bench.index))
        bench.write("a")
        for moment in ("_index", "_follow"):
            with monkeypatch.context() as patch:
                patch.setattr(indexing, moment, dies)
                with pytest.raises(Death):
                    indexing.step(connection)
            assert outbox.pending(connection, topics.INDEX).rows == 1, "a change is forgotten that was not written"
            connection.rollback()
        assert indexing.step(connection) == 1
        assert (bench.names(), outbox.pending(connection, topics.INDEX).rows) == ({"a"}, 0)
        connection.rollback()
        indexing.close()


def test_a_change_is_found_soon(bench: Bench) -> None:
    with bench.indexer():
        bench.write("first")
        until(bench.in_step)
        bench.write("second")
        assert until(lambda: "second" in bench.names()) < 2


@pytest.mark.long
def test_changes_that_come_fast_share_their_commits(bench: Bench) -> None:
    with bench.indexer(), bench.engine.connect() as listening:
        bench.write("first")
        until(bench.in_step)
        listening.exec_driver_sql(f"LISTEN {DONE_CHANNEL}")
        listening.commit()
        for number in range(300):
            bench.write(f"n{number}")
        until(bench.in_step)
        driver: Any = listening.connection.driver_connection
        driver.poll()
        assert 1 <= len(driver.notifies) <= 45  # about 25; 65 and more when each commit follows at once


def test_a_killed_indexer_loses_nothing(bench: Bench) -> None:
    for round_ in range(4):
        with bench.indexer() as process:
            until(lambda: bench.index.joinpath("current").exists())
            bench.write(*(f"r{round_}-{n}" for n in range(30)))
            time.sleep(0.02 * round_)
            process.send_signal(signal.SIGKILL)
            bench.write(f"r{round_}-while-dead")
    with bench.indexer():
        until(bench.in_step)
    assert len(bench.names()) == 4 * 31


def test_a_second_indexer_stands_by_and_takes_over(bench: Bench) -> None:
    with bench.indexer() as first, bench.indexer() as second:
        bench.write("a")
        until(bench.in_step)
        first.kill()
        second.poll()
        bench.write("b")
        assert until(bench.in_step) < 5
        assert (bench.names(), second.returncode) == ({"a", "b"}, None)


def test_a_deleted_index_is_built_anew(bench: Bench) -> None:
    with bench.indexer(idle=0.5):
        bench.write("a", "b")
        until(bench.in_step)
        bench.index.rename(bench.index.with_name("gone"))
        with pytest.raises(EngineError):
            bench.reader.search(EVERYTHING)
        until(bench.in_step)
        assert bench.names() == {"a", "b"}


@pytest.mark.parametrize("damage", ["flipped", "cut", "removed"])
def test_a_damaged_file_is_noticed_at_the_start(bench: Bench, damage: str) -> None:
    with bench.indexer():
        bench.write("a", "b")
        until(bench.in_step)
    generation = bench.index / os.readlink(bench.index / "current")
    victim = max(generation.glob("*.store"), key=lambda path: path.stat().st_size)
    content = victim.read_bytes()
    if damage == "removed":
        victim.unlink()
    else:
        victim.write_bytes(content[:10] + bytes([content[10] ^ 255]) + content[11:] if damage == "flipped" else content[:-20])
    with bench.indexer():
        until(lambda: os.readlink(bench.index / "current") != generation.name)
        until(bench.in_step)
    assert bench.names() == {"a", "b"}


def test_a_file_that_disappears_is_noticed_soon(bench: Bench) -> None:
    with bench.indexer(idle=0.5):
        bench.write("a", "b")
        until(bench.in_step)
        generation = bench.index / os.readlink(bench.index / "current")
        for file in generation.glob("*.*"):
            if file.name != "meta.json":
                file.unlink()
        until(lambda: os.readlink(bench.index / "current") != generation.name)
        until(bench.in_step)
        assert bench.names() == {"a", "b"}


def test_a_folder_that_cannot_be_written_is_tried_again(bench: Bench) -> None:
    bench.index.write_text("not a folder", encoding="utf-8")
    with bench.indexer() as process:
        bench.write("a")
        time.sleep(2)
        bench.index.unlink()
        until(bench.in_step)
        assert (bench.names(), process.poll()) == ({"a"}, None)


def test_an_index_that_fell_behind_is_mended_at_the_start(bench: Bench) -> None:
    with bench.indexer():
        bench.write("a", "b")
        until(bench.in_step)
    with bench.engine.begin() as connection:
        connection.execute(text("UPDATE kzopen.search_document SET hash = 1 WHERE name = 'a'"))
        connection.execute(text("DELETE FROM kzopen.search_document WHERE name = 'b'"))
        store.put(connection, made("c"))
        connection.execute(text("TRUNCATE kzopen.outbox_delivery"))
    assert not bench.in_step()
    with bench.indexer():
        until(bench.in_step)
    assert bench.names() == {"a", "c"}


def test_the_old_index_answers_while_a_new_one_is_built(bench: Bench) -> None:
    with bench.indexer():
        bench.write(*(f"n{n}" for n in range(50)))
        until(bench.in_step)
        before = os.readlink(bench.index / "current")
        with bench.engine.begin() as connection:
            outbox.emit(connection, topics.REBUILD, "all")
        while not bench.in_step():
            assert len(bench.names()) == 50
        assert os.readlink(bench.index / "current") != before
        assert len(bench.names()) == 50


def test_an_indexer_waits_for_tables_and_survives_a_lost_database(bench: Bench) -> None:
    with bench.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA kzopen CASCADE"))
    with bench.indexer() as process:
        time.sleep(1.5)
        with bench.engine.begin() as connection:
            migrate(connection)
        bench.write("a")
        until(bench.in_step)
        _cut_connections(bench.engine)
        bench.write("b")
        until(bench.in_step)
        assert (bench.names(), process.poll()) == ({"a", "b"}, None)


def _cut_connections(engine: Engine) -> None:
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with create_engine(engine.url.set(username="postgres"), poolclass=NullPool).connect() as connection:
        assert len(connection.execute(text(others)).all()) >= 1


def test_an_indexer_ends_soon_after_sigterm(bench: Bench) -> None:
    with bench.indexer() as process:
        bench.write("a")
        until(bench.in_step)
        process.terminate()
        assert process.wait(3) == 0


def test_the_lag_tells_what_is_not_indexed_yet(bench: Bench) -> None:
    bench.write("a", "b")
    with bench.engine.connect() as connection:
        found = health.lag(connection)
    assert (found["rows"], found["stale_rows"]) == (2, 0)
    assert 0 <= found["oldest"] < 60


def test_documents_of_an_older_analysis_are_computed_anew(bench: Bench) -> None:
    bench.write("old", "new")
    with bench.engine.begin() as connection:
        connection.execute(text("UPDATE kzopen.search_document SET analysis = 0 WHERE name = 'old'"))
    with bench.indexer():
        until(bench.in_step)
    with bench.engine.begin() as connection:
        assert [message.key for message in outbox.take(connection, topics.RECOMPUTE)] == ["old"]


def test_a_document_that_cannot_be_indexed_does_not_hold_up_others(bench: Bench) -> None:
    with bench.indexer():
        bench.write("good")
        with bench.engine.begin() as connection:
            store.put(connection, made("bad"))
            connection.execute(text("UPDATE kzopen.search_document SET fields = '{}' WHERE name = 'bad'"))
        bench.write("later")
        until(lambda: "later" in bench.names())
        assert bench.names() == {"good", "later"}
        assert key_of("bad", SITE) not in bench.reader.hashes()
