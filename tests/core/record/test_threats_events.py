"""What is found when an attacker with the database touches the event log or the versions of tables: lines a10 to a13."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ckanext.kzopen.core import states
from ckanext.kzopen.core.record import json_lines, keeping, sealing, write_event
from ckanext.kzopen.core.record.keys import Key, Ring
from ckanext.kzopen.core.record.receipts import receipt
from ckanext.kzopen.core.record.tables import Leaf
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.runtime.recorded_versions import version_findings
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from api_clients.verifier import kzopen_verifier as verifier
from tests.conftest import ROOT
from tests.core.conftest import Letter, everyone
from tests.core.record.conftest import unprotected, write_events

Verify = Callable[..., list[str]]
Sign = Callable[[], dict[str, Any]]


@pytest.mark.parametrize("column", ["actor", "object_id", "verb", "reason", "address", "agency", "in_place_of", "at", "new"])
def test_a10_an_edited_event_is_found(log: Session, sealed: list[int], verify: Verify, column: str) -> None:
    value = {"address": "'203.0.113.8'", "at": "at + interval '1 second'", "new": "'{\"n\": 9}'"}.get(column, "'other'")
    with unprotected(log):
        log.execute(text(f"UPDATE kzopen.event SET {column} = {value} WHERE id = :id"), {"id": sealed[1]})
    (found,) = verify()
    assert found.startswith(f"event {sealed[0]}–{sealed[2]} is not what was sealed at ")


def test_a10_a_deleted_event_is_found(log: Session, sealed: list[int], verify: Verify) -> None:
    log.execute(text("DELETE FROM kzopen.event WHERE id = :id"), {"id": sealed[1]})
    (found,) = verify()
    assert found.startswith(f"event {sealed[1]}, sealed at ")
    assert found.endswith(", is missing")


def test_a10_an_event_slipped_in_past_the_seals_is_found(log: Session, sealed: list[int], verify: Verify) -> None:
    with unprotected(log):
        write_events(log, 1)
    assert verify() == [f"event {sealed[2] + 1} was added past the seals"]


def test_a10_a_reader_with_the_receipt_of_a_seal_finds_an_edited_line(
    log: Session, sealed: list[int], ring: Ring, key: Key, sign: Sign, tmp_path: Path
) -> None:
    sign()
    number = log.scalars(select(Leaf.id).where(Leaf.kind == "record.events")).one()
    (tmp_path / "receipt.json").write_text(json.dumps(receipt(log, ring, number, "https://portal.example.org")))
    (tmp_path / "events.jsonl").write_text("".join(json_lines(log)))
    words = ["verify", str(tmp_path / "receipt.json"), "--key", key.public.hex(), "--events", str(tmp_path / "events.jsonl")]
    assert verifier.main(words) == 0
    (tmp_path / "events.jsonl").write_text("".join(json_lines(log)).replace("user-1", "user-2", 1))
    assert verifier.main(words) == 1


@pytest.fixture
def answered(log: Session, key: Key, log_engine: Engine, letters: type[Letter]) -> int:
    """The event of a change whose leaf is written and whose seal is not; its number."""
    Letter.__table__.create(log_engine, checkfirst=True)  # type: ignore[attr-defined]
    log.execute(text("CREATE TABLE IF NOT EXISTS kzopen.outbox (id bigserial, topic text, key text, payload jsonb)"))
    log.execute(text("CREATE TABLE IF NOT EXISTS kzopen.outbox_consumer (name text, topics text[])"))
    log.execute(text("CREATE TABLE IF NOT EXISTS kzopen.outbox_delivery (consumer text, outbox_id bigint)"))
    letter = letters(text="hello")
    states.begin(log, "letter", letter, "user-1")
    done = states.change(log, "letter", letter, "answer", "user-2", allowed=everyone, reason="it is due")
    log.commit()
    return done.event


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE kzopen.event SET actor = 'other'",
        "UPDATE kzopen.event SET reason = NULL",
        'UPDATE kzopen.event SET new = \'{"state": "closed"}\'',
        "DELETE FROM kzopen.event",
    ],
)
def test_a11_an_event_that_waits_for_its_seal_must_be_what_its_leaf_tells(
    log: Session, answered: int, verify: Verify, change: str
) -> None:
    assert verify() == []
    with unprotected(log):
        log.execute(text(f"{change} WHERE id = :id"), {"id": answered})
    (found,) = verify()
    assert found.startswith(f"event {answered} is ")


def test_a11_an_event_without_leaf_can_be_deleted_before_its_seal(log: Session, key: Key, verify: Verify) -> None:
    (number,) = write_events(log, 1)
    with unprotected(log):
        log.execute(text("DELETE FROM kzopen.event WHERE id = :id"), {"id": number})
        log.execute(text("DELETE FROM kzopen.event_unsealed WHERE id = :id"), {"id": number})
    assert verify() == []


def test_a12_a_deletion_that_no_leaf_tells_of_is_found(log: Session, sealed: list[int], verify: Verify) -> None:
    pretended = text("INSERT INTO kzopen.event_deleted SELECT id, 'x'::bytea FROM kzopen.event WHERE id = :id")
    log.execute(pretended, {"id": sealed[0]})
    log.execute(text("DELETE FROM kzopen.event WHERE id = :id"), {"id": sealed[0]})
    found = verify()
    assert found[0].startswith(f"event {sealed[0]}–{sealed[2]} is not what was sealed at ")
    assert found[1] == f"event {sealed[0]} was deleted, and no leaf tells of it"


def test_a12_what_a_rule_deletes_is_no_finding(log: Session, key: Key, verify: Verify) -> None:
    write_event(log, kind="test", object_id="a", verb="read", actor="user-1", at=datetime(2020, 1, 1, tzinfo=UTC))
    sealing.seal(log)
    keeping.delete_past(log, date(2026, 3, 5))
    assert verify() == []


@pytest.fixture
def version(log: Session, log_engine: Engine) -> str:
    """A version with its leaf, as `publishing.accept` records it; the id of its data set."""
    Version.__table__.create(log_engine, checkfirst=True)  # type: ignore[attr-defined]
    log.execute(text("TRUNCATE kzopen.version"))
    told = {"uri": "schools", "version": 1, "delivery": "d1", "sha256": "ab" * 32, "size": 10, "rows": 2}
    columns = {"delivery_id": "d1", "sha256": "ab" * 32, "size": 10, "rows": 2, "path": "schools/1", "schema": {}}
    log.add(Version(package_id="p1", uri="schools", number=1, difference={}, **columns))
    sealing.append(log, "version", "p1", told)
    log.commit()
    return "p1"


def versions(log: Session) -> list[str]:
    log.commit()
    url = log.get_bind().engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        return list(version_findings(connection))


@pytest.mark.parametrize(
    "change", ["sha256 = 'other'", "size = 11", "rows = 3", "uri = 'other'", "delivery_id = 'other'"], ids=str.split
)
def test_a13_an_edited_version_is_found(log: Session, version: str, change: str) -> None:
    assert versions(log) == []
    log.execute(text(f"UPDATE kzopen.version SET {change}"))
    assert versions(log) == ["version 1 of data set p1 is not what was recorded"]


def test_a13_a_deleted_version_is_found(log: Session, version: str) -> None:
    log.execute(text("DELETE FROM kzopen.version"))
    assert versions(log) == ["version 1 of data set p1 was recorded and is missing"]


def test_a13_a_version_that_went_with_its_purged_data_set_is_no_finding(log: Session, version: str) -> None:
    log.execute(text("DELETE FROM kzopen.version"))
    write_event(log, kind="dataset", object_id=version, verb="purge", actor="user-1")
    assert versions(log) == []


def test_a13_a_version_that_nobody_recorded_is_found(log: Session, version: str) -> None:
    log.execute(text("UPDATE kzopen.version SET number = 2"))
    assert versions(log)[1] == "version 2 of data set p1 was never recorded"


def test_a13_a_reader_finds_a_changed_file(
    log: Session, version: str, ring: Ring, key: Key, sign: Sign, tmp_path: Path
) -> None:
    (tmp_path / "table.parquet").write_bytes(b"rows")
    told = {"sha256": "bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e"}
    leaf = sealing.append(log, "version", "p2", told)
    log.commit()
    sign()
    (tmp_path / "receipt.json").write_text(json.dumps(receipt(log, ring, leaf.id, "https://portal.example.org")))
    words = ["verify", str(tmp_path / "receipt.json"), "--key", key.public.hex(), "--file", str(tmp_path / "table.parquet")]
    assert verifier.main(words) == 0
    (tmp_path / "table.parquet").write_bytes(b"other rows")
    assert verifier.main(words) == 1


def test_each_line_of_the_threat_model_has_a_test() -> None:
    lines = re.findall(r"^\| ([abc]\d+) \|", (ROOT / "docs" / "record.md").read_text(encoding="utf-8"), re.MULTILINE)
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_threats*.py"))
    assert len(lines) == len(set(lines)) >= 18
    assert [line for line in lines if f"def test_{line}_" not in tests] == []
