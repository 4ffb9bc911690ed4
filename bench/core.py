"""What every section stands on: changes of state, rights, digests, the public record at a million leaves.

A portal's database of its own in a temporary directory; nothing else runs in it. No peer: the bars are ours. Each figure is a
function that takes the prepared `Ground`.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from ckanext.kzopen.core.record import append, heads, keys, proofs
from ckanext.kzopen.core.record.hashing import leaf_hash, node_hash
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.log import content, moment
from ckanext.kzopen.core.record.tables import Head
from ckanext.kzopen.core.record.verification import verify_all
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.testing import Suite, options_of, test_portal
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from bench import _digests, _rights, _states
from bench.figures import Figure, below, told

Say = Callable[[str], None]
LEAVES, QUICK_LEAVES = 1_000_000, 100_000
BURST, CONNECTIONS = 1000, 8
PROOFS = 2000
HEADS = 200
FSYNCS = 50


@dataclass(frozen=True)
class Ground:
    """A database with the portal's tables, the keys of its record, and how many leaves it has been given."""

    engine: Engine
    address: str
    ring: Ring
    leaves: int
    ini: Path


def run(quick: bool, say: Say) -> list[Figure]:
    """All figures; `quick` has a log of a tenth."""
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    say("state: PostgreSQL on the launcher's settings, tables analysed, no warm-up; each append is a transaction")
    if quick:
        say(f"--quick: {QUICK_LEAVES:,} leaves of {LEAVES:,}, {_states.QUICK_CHANGES} changes of {_states.CHANGES}, and")
        say(f"{_digests.QUICK_READERS:,} digests of {_digests.READERS:,} with a tenth of their bar")
    with ground(QUICK_LEAVES if quick else LEAVES, say) as prepared:
        fsync = fsync_probe(prepared.ring.folder)
        say(f"fsync of 4 kB: {fsync:.2f} ms (median of {FSYNCS})")
        return [
            told("core.fsync", fsync, "ms"),
            *_states.figures(prepared.address, fsync, quick),
            *_rights.figures(prepared.engine),
            *_digests.figures(prepared.ini, quick),
            *log_proofs(prepared),
            *log_appends(prepared),
            *log_verification(prepared),
        ]


@contextmanager
def ground(leaves: int, say: Say) -> Iterator[Ground]:
    """A database of its own, filled."""
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder:
        portal = Portal(Settings(data=Path(folder) / "data", demo=False))
        suite = Suite("bench", [], worker=False)
        with test_portal(portal, suite) as ini:
            address = options_of(portal, suite)["sqlalchemy.url"]
            engine = create_engine(address, pool_size=CONNECTIONS)
            with engine.connect() as connection:
                assert connection.execute(text("SHOW fsync")).scalar() == "on", "a commit has to wait for the disk"
            prepared = Ground(engine, address, Ring(portal.data / "bench-record", "bench"), leaves, ini)
            started = time.monotonic()
            fill(prepared)
            say(f"a log of {leaves:,} leaves was written in {time.monotonic() - started:.0f} s")
            yield prepared
            engine.dispose()


def fill(ground: Ground) -> None:
    """Leaves and nodes by COPY, as the trigger would have made them; then a key and heads along the way."""
    with psycopg.connect(ground.address) as connection:
        for table in ("leaf", "node", "head", "key"):
            connection.execute(f"ALTER TABLE kzopen.{table} DISABLE TRIGGER USER")
        connection.execute("TRUNCATE kzopen.leaf, kzopen.node, kzopen.head, kzopen.key")
        level = copy_leaves(connection, ground.leaves)
        copy_nodes(connection, level)
        for table in ("leaf", "node", "head", "key"):
            connection.execute(f"ALTER TABLE kzopen.{table} ENABLE TRIGGER USER")
    with psycopg.connect(ground.address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE kzopen.leaf, kzopen.node")
    with Session(ground.engine) as session:
        keys.ensure(session, ground.ring)
        session.commit()
    sign_along_the_way(ground)


def copy_leaves(connection: psycopg.Connection[tuple[object, ...]], count: int) -> list[bytes]:
    """Comments of some two hundred characters, one a second; their hashes."""
    start, hashes = datetime(2025, 1, 1, tzinfo=UTC), []
    words = "жоба туралы пікір: мерзімі, тәртібі және жауапты тұлғасы көрсетілсін; өзгеріс 14-баптың 3-тармағына енгізілсін. "
    columns = "id, index, kind, object_id, at, hash, record, nonce"
    with connection.cursor().copy(f"COPY kzopen.leaf ({columns}) FROM STDIN") as copy:
        for index in range(count):
            at, nonce, name = start + timedelta(seconds=index), secrets.token_bytes(16), f"comment-{index}"
            record = json.dumps({"n": index, "text": words}, ensure_ascii=False, separators=(",", ":"))
            digest = leaf_hash(content("comment", name, moment(at), nonce, record))
            hashes.append(digest)
            copy.write_row((uuid.uuid4(), index, "comment", name, at, digest, record, nonce))
    return hashes


def copy_nodes(connection: psycopg.Connection[tuple[object, ...]], hashes: list[bytes]) -> None:
    with connection.cursor().copy("COPY kzopen.node (level, index, hash) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int2", "int8", "bytea"])
        level = 0
        while hashes:
            for index, digest in enumerate(hashes):
                copy.write_row((level, index, digest))
            hashes = [node_hash(hashes[n], hashes[n + 1]) for n in range(0, len(hashes) - 1, 2)]
            level += 1


def sign_along_the_way(ground: Ground) -> None:
    """Heads of growing sizes."""
    with Session(ground.engine) as session:
        for n in range(1, HEADS + 1):
            size = ground.leaves * n // HEADS
            said = {"type": heads.TYPE, "size": size, "root": proofs.root(session, size).hex()}
            session.add(Head(**heads.row(keys.sign(session, ground.ring, said))))
        session.commit()


def fsync_probe(folder: Path) -> float:
    """Milliseconds (median) that this disk takes to make 4 kB sure."""
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(FSYNCS):
            file.write(bytes(4096))
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def log_proofs(ground: Ground) -> list[Figure]:
    """Proofs of inclusion of leaves by chance, one after the other."""
    chance, times = random.Random(1), []
    with Session(ground.engine) as session:
        for _ in range(PROOFS):
            started = time.perf_counter()
            proofs.inclusion(session, chance.randrange(ground.leaves), ground.leaves)
            times.append((time.perf_counter() - started) * 1000)
    return [below("core.log_proof_p99", p99(times), 5, "ms"), told("core.log_proof_p50", statistics.median(times), "ms")]


def log_appends(ground: Ground) -> list[Figure]:
    """A burst of appends over some connections at once; a time is that of the append and its commit."""
    times: list[float] = []

    def work(count: int) -> None:
        with Session(ground.engine) as session:
            session.connection()
            for n in range(count):
                started = time.perf_counter()
                append(session, "comment", f"burst-{n}", {"text": "пікір" * 20})
                session.commit()
                times.append((time.perf_counter() - started) * 1000)

    workers = [threading.Thread(target=work, args=[BURST // CONNECTIONS]) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rate = len(times) / (time.perf_counter() - started)
    assert len(times) == BURST, "an append failed"
    return [below("core.log_append_p99", p99(times), 100, "ms"), told("core.log_append_rate", rate, "/s")]


def log_verification(ground: Ground) -> list[Figure]:
    """What doctor does: every leaf, node, head and key."""
    with psycopg.connect(ground.address) as connection:
        started, spent = time.perf_counter(), time.process_time()
        found = verify_all(connection, ground.ring.journal.statements())
        seconds, spent = time.perf_counter() - started, time.process_time() - spent
    assert found.findings == [], found.findings[:3]
    assert found.leaves > ground.leaves
    return [below("core.log_verification", seconds, 15, "s"), told("core.log_verification_cpu", spent, "s")]
