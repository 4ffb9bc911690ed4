"""`./kzopen record …` and doctor on a running portal, and the verifier as a reader uses it on that portal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal
from psycopg.rows import tuple_row

from tests.conftest import ROOT, LivePortal

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]  # each command is a process of its own; doctor looks at everything
VERIFIER = ROOT / "api_clients" / "verifier" / "kzopen_verifier.py"


def command(live: LivePortal, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(ROOT / "kzopen"), *words, "--data", str(live.data)], text=True, capture_output=True, timeout=180
    )
    return done.returncode, done.stdout + done.stderr


def verifier(*words: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-I", str(VERIFIER), *words], text=True, capture_output=True, cwd=cwd, timeout=60)
    return done.returncode, done.stdout + done.stderr


def connect(live: LivePortal) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(addresses(Portal(Settings(data=live.data)))["sqlalchemy.url"], row_factory=tuple_row)


@contextmanager
def edited(live: LivePortal, index: int) -> Iterator[None]:
    """What a database administrator can do, undone at the end."""
    change = """
        ALTER TABLE kzopen.leaf DISABLE TRIGGER USER;
        UPDATE kzopen.leaf SET object_id = {} WHERE index = {};
        ALTER TABLE kzopen.leaf ENABLE TRIGGER USER
    """
    with connect(live) as connection:
        connection.execute(change.format("object_id || '!'", index))
    try:
        yield
    finally:
        with connect(live) as connection:
            connection.execute(change.format("left(object_id, -1)", index))


def version_leaf(live: LivePortal) -> tuple[str, int]:
    """Receipt number and place of the newest accepted version of a table."""
    with connect(live) as connection:
        query = "SELECT id::text, index FROM kzopen.leaf WHERE kind = 'version' ORDER BY index DESC LIMIT 1"
        found = connection.execute(query).fetchone()
    assert found is not None
    return str(found[0]), int(str(found[1]))


def test_the_record_of_a_portal_that_nobody_touched_is_whole(live_portal: LivePortal) -> None:
    code, said = command(live_portal, "record", "verify")
    assert (code, said.endswith("heads recomputed: no findings\n")) == (0, True), said


def test_an_accepted_version_can_be_proven_by_a_reader(live_portal: LivePortal, tmp_path: Path) -> None:
    number, _index = version_leaf(live_portal)
    command(live_portal, "record", "head")
    receipt = httpx.get(f"{live_portal.url}/record/receipt/{number}").raise_for_status().json()
    assert set(receipt["leaf"]["record"]) == {"uri", "version", "delivery", "sha256", "size", "rows"}
    (tmp_path / "receipt.json").write_text(json.dumps(receipt))
    key = receipt["keys"][0]["public"]
    code, said = verifier("verify", "receipt.json", "--key", key, cwd=tmp_path)
    assert (code, said.startswith("Proven: leaf ")) == (0, True), said
    code, said = verifier("watch", live_portal.url, "--key", key, "--receipt", "receipt.json", cwd=tmp_path)
    assert (code, said.startswith("The log agrees with what was kept: ")) == (0, True), said


def test_a_key_rotated_by_command_leaves_old_receipts_valid(live_portal: LivePortal, tmp_path: Path) -> None:
    number, _index = version_leaf(live_portal)
    command(live_portal, "record", "head")
    receipt = httpx.get(f"{live_portal.url}/record/receipt/{number}").raise_for_status().json()
    first = receipt["keys"][0]["public"]
    (tmp_path / "receipt.json").write_text(json.dumps(receipt))
    code, said = command(live_portal, "record", "rotate-key")
    assert code == 0, said
    new = said.split("public", 1)[1].split()[0]
    code, said = command(live_portal, "record", "head")
    assert httpx.get(f"{live_portal.url}/record/head.json?size={json.loads(said)['size']}").json() == json.loads(said)
    assert verifier("verify", "receipt.json", "--key", first, cwd=tmp_path)[0] == 0
    for key in (first, new):
        file = f"{key[:8]}.json"
        assert (
            verifier("watch", live_portal.url, "--key", key, "--receipt", "receipt.json", "--keep", file, cwd=tmp_path)[0] == 0
        )
    assert len(list((live_portal.data / "record").glob("key-*.pem"))) == 1
    assert command(live_portal, "record", "verify")[0] == 0


def test_an_edited_leaf_is_found_by_doctor_and_by_verify(live_portal: LivePortal) -> None:
    _number, index = version_leaf(live_portal)
    with edited(live_portal, index):
        for words in (["record", "verify"], ["doctor"]):
            code, said = command(live_portal, *words)
            assert code == 1
            assert f"leaf {index} (version " in said
            assert "is not what was recorded" in said


def test_erasing_shows_first_what_it_would_do(live_portal: LivePortal) -> None:
    number, index = version_leaf(live_portal)
    code, said = command(live_portal, "record", "erase", number, "--reason", "a court")
    assert (code, said.splitlines()[-1]) == (0, "nothing was erased; --commit does it")
    assert f"would erase leaf {index}: version" in said


@pytest.mark.parametrize("words", [["verify"], ["head"], ["rotate-key"], ["events"], ["keep"]])
def test_without_a_portal_the_command_says_so(words: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [str(ROOT / "kzopen"), "record", *words, "--data", str(tmp_path)], text=True, capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert "./kzopen serve makes it" in done.stderr


def test_the_event_log_is_shown_and_exported_by_object_and_person(live_portal: LivePortal) -> None:
    with connect(live_portal) as connection:
        query = "SELECT id, actor, object_id FROM kzopen.event WHERE kind = 'delivery' AND verb = 'create' ORDER BY id LIMIT 1"
        number, actor, thing = connection.execute(query).fetchone() or (0, "", "")
    code, said = command(live_portal, "record", "events", "--object", f"delivery:{thing}", "--person", str(actor), "--jsonl")
    lines = [json.loads(line) for line in said.splitlines()]
    assert (code, lines[0]["id"], lines[0]["verb"]) == (0, number, "create"), said
    assert {(line["kind"], line["object_id"], line["actor"]) for line in lines} == {("delivery", thing, actor)}
    code, said = command(live_portal, "record", "events", "--object", f"delivery:{thing}", "--verb", "create")
    assert f"delivery {thing}: create  {actor}" in said


def test_the_event_log_is_filtered_by_verb_agency_and_days_on_the_command_line(live_portal: LivePortal) -> None:
    with connect(live_portal) as connection:
        query = """SELECT agency, verb, (at AT TIME ZONE 'Asia/Almaty')::date::text FROM kzopen.event
            WHERE agency IS NOT NULL ORDER BY id DESC LIMIT 1"""
        agency, verb, day = map(str, connection.execute(query).fetchone() or ("", "", ""))
        counting = "SELECT count(*) FROM kzopen.event WHERE agency = %s AND verb = %s"
        (count,) = connection.execute(counting, [agency, verb]).fetchone() or (0,)
    asked = ("record", "events", "--jsonl", "--verb", verb, "--agency", agency)
    code, said = command(live_portal, *asked)
    found = [json.loads(line) for line in said.splitlines()]
    assert (code, len(found), {(one["agency"], one["verb"]) for one in found}) == (0, count, {(agency, verb)}), said
    assert command(live_portal, *asked, "--until", "2020-01-01") == (0, "")
    code, said = command(live_portal, *asked, "--since", day, "--until", day)
    assert (code, 0 < len(said.splitlines()) <= int(str(count))) == (0, True), said
    code, said = command(live_portal, "record", "events", "--agency", "none-of-this-name")
    assert code != 0
    assert "--agency: There is no such agency" in said


def test_an_object_is_named_by_kind_and_id(live_portal: LivePortal) -> None:
    code, said = command(live_portal, "record", "events", "--object", "delivery")
    assert (code, "--object is KIND:ID" in said) == (2, True)


def test_keeping_shows_first_what_it_would_delete(live_portal: LivePortal) -> None:
    code, said = command(live_portal, "record", "keep")
    assert (code, said.splitlines()[-1]) == (0, "nothing was deleted; --commit does it")
    assert "reads_of_personal_data: would delete 0 events from before " in said


@pytest.mark.parametrize(
    ("table", "column", "told"),
    [("version", "rows", "of data set {} is not what was recorded"), ("event", "reason", "is not what was sealed at ")],
)
def test_an_edited_version_or_event_is_found_by_doctor(live_portal: LivePortal, table: str, column: str, told: str) -> None:
    value, undone = {"rows": ("rows + 1", "rows - 1"), "reason": ("'other'", "NULL")}[column]
    change = """
        ALTER TABLE kzopen.{0} DISABLE TRIGGER USER;
        UPDATE kzopen.{0} SET {1} = {2} WHERE id = {3};
        ALTER TABLE kzopen.{0} ENABLE TRIGGER USER
    """
    which = {"version": "SELECT max(id), max(package_id) FROM kzopen.version GROUP BY id ORDER BY id DESC LIMIT 1"}
    which["event"] = "SELECT min(id), '' FROM kzopen.event WHERE kind = 'delivery' AND reason IS NULL"
    with connect(live_portal) as connection:
        number, package = connection.execute(which[table]).fetchone() or (0, "")
        connection.execute(change.format(table, column, value, number))
    try:
        code, said = command(live_portal, "doctor")
    finally:
        with connect(live_portal) as connection:
            connection.execute(change.format(table, column, undone, number))
    assert (code, told.format(package) in said) == (1, True), said
