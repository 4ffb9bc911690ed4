"""A backup of a running portal, and the portal that is made of it: the same one, but for what was withdrawn since."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx
import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import services
from ckanext.kzopen.runtime.backup import making
from ckanext.kzopen.runtime.backup.archive import texts_below, unpacked, written
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal as DataOf
from click.testing import CliRunner, Result
from psycopg import sql

from tests.conftest import ROOT, LivePortal, assert_none_is_left, family_of, free_port, portal_at
from tests.publishing.conftest import passport

TABLES = {
    1: "bin,name,pupils\n000140000017,№1 мектеп,512\n000140000025,№2 мектеп,480\n",
    2: "bin,name,pupils\n000140000017,№1 мектеп,530\n000140000033,№3 мектеп,77\n",
}
FILE = b"\x00 not a table \xff" * 1000
REASON = {"kk": "ЖСН жарияланған", "ru": "Опубликованы ИИН"}
HEIGHTS = [{"place": "Хан Тәңірі", "height": 7010}, {"place": "Талғар", "height": 4979}]
KEPT, CHANGING, GONE = "backup-kept", "backup-changing", "backup-withdrawn"


class Portal:
    """A portal as its operator's programs use it."""

    def __init__(self, live: LivePortal) -> None:
        self.live = live
        token = live.accounts["operator"]["token"]
        self.client = httpx.Client(base_url=live.url, headers={"Authorization": token}, timeout=60)

    def action(self, name: str, /, **given: Any) -> Any:
        answer = self.client.post(f"/api/3/action/{name}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def register(self, name: str, owner: str) -> None:
        assert self.client.put(f"/api/universal/v1/datasets/{name}", json=passport(owner)).status_code == 201

    def publish(self, name: str, table: str, mode: str = "replace") -> None:
        headers = {"Content-Type": "text/csv", "Prefer": "wait=60"}
        asked = self.client.post(
            f"/api/universal/v1/datasets/{name}/rows?mode={mode}", content=table.encode(), headers=headers
        )
        told, until = asked.json(), time.monotonic() + 60
        # Another's job may have to be given up first, and DataStore shows a version a moment after it is accepted.
        while told["state"] in ("received", "checking") or (told["state"] == "accepted" and told.get("settled") is None):
            assert time.monotonic() < until, told
            time.sleep(0.2)
            told = self.client.get(f"/api/universal/v1/deliveries/{told['id']}").json()
        assert told["state"] == "accepted", told

    def rows(self, name: str) -> list[list[Any]]:
        resource = self.action("package_show", id=name)["resources"][0]["id"]
        found = self.action("datastore_search", resource_id=resource, sort="bin")["records"]
        return [[row["bin"], row["name"], row["pupils"]] for row in found]

    def live_alias(self, table: str) -> None:
        """Another name for a table of versions, as an operator gives it in SQL."""
        where = addresses(DataOf(Settings(data=self.live.data)))
        with psycopg.connect(where["ckan.datastore.write_url"]) as connection:
            connection.execute(sql.SQL("CREATE VIEW kept_schools AS SELECT * FROM {}").format(sql.Identifier(table)))
            connection.execute("GRANT SELECT ON kept_schools TO kzopen_reader")

    def found(self, query: str) -> set[str]:
        return {one["name"] for one in self.action("package_search", q=query, rows=100)["results"]}


@dataclass(frozen=True)
class Restored:
    """The portal that was backed up, its archive, and the one made of it; `packages` are as they were before the backup."""

    old: Portal
    new: Portal
    archive: Path
    packages: dict[str, Any]
    said: str


def kzopen(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ROOT / "kzopen"), *words], capture_output=True, text=True, timeout=300)


def here(*words: str) -> Result:
    """The same command in this process: to load the portal's libraries takes longer than a refusal."""
    done = CliRunner().invoke(main, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(scope="module")
def restored(live_portal: LivePortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    folder = tmp_path_factory.mktemp("backup")
    archive, old = folder / "kzopen.tar", Portal(live_portal)
    owner = old.action("organization_list")[0]
    for name in (KEPT, CHANGING, GONE):
        old.register(name, owner)
        old.publish(name, TABLES[1])
        old.publish(name, TABLES[2])
    made = old.client.post(
        "/api/3/action/resource_create",
        data={"package_id": KEPT, "name": "file", "format": "BIN"},
        files={"upload": ("file.bin", FILE)},
    )
    assert made.status_code == 200, made.text
    plain = old.action("resource_create", package_id=KEPT, name="plain", url="https://example.org/plain.csv")["id"]
    fields = [{"id": "place", "type": "text"}, {"id": "height", "type": "int"}]
    old.action("datastore_create", resource_id=plain, fields=fields, records=HEIGHTS, aliases=["heights"], force=True)
    table = old.action("package_show", id=KEPT)["resources"][0]["id"]
    old.live_alias(table)
    packages = {name: old.action("package_show", id=name) for name in old.action("package_list")}
    with published_all_the_time(old):
        done = kzopen("backup", str(archive), "--data", str(live_portal.data))
    assert done.returncode == 0, done.stdout + done.stderr

    ordered = old.client.post(f"/api/universal/v1/datasets/{GONE}/withdraw", json={"reason": REASON})
    assert ordered.status_code == 200, ordered.text
    old.publish(KEPT, TABLES[1])

    data = folder / "restored"
    done = kzopen("restore", str(archive), "--data", str(data), "--withdrawn", str(live_portal.data))
    assert done.returncode == 0, done.stdout + done.stderr
    with portal_at(data, free_port(), demo=False) as started:
        yield Restored(old, Portal(started), archive, packages, done.stdout)


class published_all_the_time:  # noqa: N801 - reads as what it is
    """Rows go on being published in the block, as on any day."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self.failed: list[BaseException] = []

    def _publish(self) -> None:
        number = 0
        try:
            while not self._over.is_set():
                number += 1
                self._portal.publish(CHANGING, f"bin,name,pupils\n000140000017,№1 мектеп,{number}\n", mode="upsert")
        except BaseException as error:  # noqa: BLE001 - told by the block's end
            self.failed.append(error)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        assert self.failed == []


def last_backup(portal: Portal) -> float | None:
    """What Prometheus is told of the last backup, in Unix time."""
    token = json.loads((portal.live.data / "secrets.json").read_text())["metrics_token"]
    figures = httpx.get(f"{portal.live.url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert figures.status_code == 200
    found = re.search(r"^kzopen_backup_last_success_timestamp_seconds (\S+)$", figures.text, re.MULTILINE)
    return float(found[1]) if found else None


def test_prometheus_is_told_of_the_backup_and_of_none_in_the_portal_made_of_it(restored: Restored) -> None:
    began = last_backup(restored.old)
    assert began is not None
    assert 0 < restored.archive.stat().st_mtime - began < 300
    assert last_backup(restored.new) is None


def test_data_sets_their_tables_and_files_are_as_they_were(restored: Restored) -> None:
    new = restored.new
    names = {*restored.packages} - {GONE, CHANGING}
    assert names <= {*new.action("package_list")}
    for name in sorted(names):
        was, now = restored.packages[name], new.action("package_show", id=name)
        for told in (was, now):
            told["resources"] = [{**one, "url": one["url"].partition("/dataset/")[2]} for one in told["resources"]]
        assert now == was, name
    assert new.rows(KEPT) == [["000140000017", "№1 мектеп", 530], ["000140000033", "№3 мектеп", 77]]


def test_files_are_read_at_the_new_address(restored: Restored) -> None:
    """The restored portal has another port: what the index tells of files follows within seconds."""
    until = time.monotonic() + 60
    while not (url := restored.new.action("package_show", id=KEPT)["resources"][1]["url"]).startswith(restored.new.live.url):
        assert time.monotonic() < until, url
        time.sleep(0.5)
    assert restored.new.client.get(url, follow_redirects=True).content == FILE


def test_tables_of_versions_are_made_from_their_files(restored: Restored) -> None:
    """None of them is in the archive: a dump would lock what publishing replaces."""
    made = re.search(r"^(\d+) tables were made from their files$", restored.said, re.MULTILINE)
    assert made
    assert int(made[1]) >= 40


def test_tables_of_ckan_s_own_and_other_names_of_tables_are_there(restored: Restored) -> None:
    found = restored.new.action("datastore_search", resource_id="heights", sort="height")["records"]
    assert [(row["place"], row["height"]) for row in found] == [("Талғар", 4979), ("Хан Тәңірі", 7010)]
    assert restored.new.action("datastore_search", resource_id="kept_schools")["total"] == 2
    with_words = restored.new.action("datastore_search", resource_id="heights", q="Талғар")["records"]
    assert len(with_words) == 1


def test_versions_history_and_search_are_there(restored: Restored) -> None:
    assert "№2 мектеп" in restored.new.client.get(f"/data/{KEPT}/v1.csv").text
    assert KEPT in restored.new.found("Мектептер тізімі")


def test_a_table_that_changed_during_the_backup_is_whole(restored: Restored) -> None:
    rows = restored.new.rows(CHANGING)
    assert [row[0] for row in rows] == ["000140000017", "000140000033"]
    told = restored.new.client.get(f"/api/universal/v1/datasets/{CHANGING}").json()
    assert told["version"]["rows"] == 2
    restored.new.publish(CHANGING, "bin,name,pupils\n000140000033,№3 мектеп,78\n", mode="upsert")
    assert restored.new.rows(CHANGING)[1][2] == 78


def test_people_sign_in_as_before(restored: Restored) -> None:
    editor = restored.old.live.accounts["demo-editor"]
    assert restored.new.live.accounts["demo-editor"] == editor
    with httpx.Client(base_url=restored.new.live.url, follow_redirects=True, timeout=60) as browser:
        form = browser.get("/en/user/login").text
        token = form.partition('name="_csrf_token" content="')[2].partition('"')[0]
        given = {"login": "demo-editor", "password": editor["password"], "_csrf_token": token}
        assert "demo-editor" in browser.post("/en/user/login", data=given).text


def test_what_was_withdrawn_after_the_backup_is_withdrawn_again(restored: Restored) -> None:
    """The archive holds it still; the list beside the old portal's files says that it must not be seen."""
    assert f"dataset {GONE}, withdrawn on " in restored.said
    visitor = httpx.Client(base_url=restored.new.live.url, follow_redirects=True, timeout=60)
    page = visitor.get(f"/ru/dataset/{GONE}")
    assert page.status_code == 410
    assert REASON["ru"] in page.text
    assert visitor.get(f"/data/{GONE}.csv").status_code == 410
    assert GONE not in restored.new.found("Мектептер тізімі")


def test_the_doctor_finds_nothing_wrong(restored: Restored) -> None:
    until = time.monotonic() + 60
    while "! withdrawals" in (said := kzopen("doctor", "--deep", "--data", str(restored.new.live.data)).stdout):
        assert time.monotonic() < until, said  # the worker takes it out of every place
        time.sleep(1)
    wrong = [line.split()[1] for line in said.splitlines() if line.startswith("  ! ")]
    # Mails that waited may have been sent since: a person decides.
    assert [area for area in wrong if area != "mail"] == [], said


def test_nobody_else_can_read_it_and_the_keys_lie_apart(restored: Restored, tmp_path: Path) -> None:
    secrets = restored.archive.with_name("kzopen.tar.secrets.json")
    for path in (restored.archive, secrets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = json.loads(secrets.read_text())["secrets"]
    unpacked(restored.archive, tmp_path)
    dumps = [
        subprocess.run([services.BIN / "pg_restore", "-f", "-", dump], capture_output=True, check=True).stdout
        for dump in tmp_path.glob("*.dump")
    ]
    content = restored.archive.read_bytes() + b"".join(dumps)
    assert b"COPY public.package " in content
    assert [name for name, value in kept.items() if value.encode() in content] == []


def test_a_damaged_or_cut_archive_is_refused_and_nothing_is_left(restored: Restored, tmp_path: Path) -> None:
    size = restored.archive.stat().st_size
    whole = restored.archive.read_bytes()
    half = size // 2
    for name, content in {
        "damaged": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
        "cut": whole[:half],
        "none": b"not an archive at all" * 100,
    }.items():
        archive, data = tmp_path / f"{name}.tar", tmp_path / name
        archive.write_bytes(content)
        shutil.copy(restored.archive.with_name("kzopen.tar.secrets.json"), tmp_path / f"{name}.tar.secrets.json")
        done = here("restore", str(archive), "--data", str(data))
        assert done.exit_code == 1, done.output
        assert str(archive) in done.stderr, done.stderr
        assert not data.exists()


@pytest.mark.long
def test_an_archive_is_verified_and_what_is_wrong_with_it_told(restored: Restored, tmp_path: Path) -> None:
    whole = kzopen("backup", "verify", str(restored.archive))
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert re.match(r"whole: made .* by kzopen .* stored files; its secrets fit$", whole.stdout)
    own_secrets = restored.archive.with_name("kzopen.tar.secrets.json")
    content = restored.archive.read_bytes()
    half = len(content) // 2
    (tmp_path / "damaged.tar").write_bytes(content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :])
    manifest = unpacked(restored.archive, tmp_path / "members")
    dump = tmp_path / "members" / "main.dump"
    dump.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    with written(tmp_path / "half a database.tar", replace(manifest, members={})) as writer:
        writer.add("main.dump", dump)
        writer.add_folder("record", tmp_path / "members" / "record")
    for name, said in (("damaged", "not as it was written"), ("half a database", "PostgreSQL cannot read main.dump")):
        done = here("backup", "verify", str(tmp_path / f"{name}.tar"), "--secrets", str(own_secrets))
        assert done.exit_code == 1, done.output
        assert said in done.stderr
    alone = here("backup", "verify", str(tmp_path / "damaged.tar"))
    assert "there is no file" in alone.stderr
    other = json.loads(own_secrets.read_text())
    other["secrets"]["record_password"] = token_urlsafe(32)
    (tmp_path / "other.json").write_text(json.dumps(other))
    strange = here("backup", "verify", str(restored.archive), "--secrets", str(tmp_path / "other.json"))
    assert "the secrets of another portal or another day" in strange.stderr


@pytest.mark.long
def test_an_archive_is_restored_as_a_trial_that_leaves_nothing(restored: Restored, tmp_path: Path) -> None:
    done = kzopen("backup", "verify", str(restored.archive), "--try", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "restored as a trial, and deleted again" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--withdrawn", "{folder}"), "--withdrawn {folder}: it holds no list"),
        (("--withdrawn", "{folder}/notes.json"), "--withdrawn {folder}/notes.json: it is neither an archive nor a folder"),
        (("--secrets", "{folder}/notes.json"), "{folder}/notes.json is not the file of secrets"),
        (("--secrets", "{folder}/nowhere.json"), "there is no file {folder}/nowhere.json"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_left(
    restored: Restored, tmp_path: Path, given: tuple[str, ...], said: str
) -> None:
    (tmp_path / "notes.json").write_text('{"my": "notes"}')
    words = [word.format(folder=tmp_path) for word in given]
    done = here("restore", str(restored.archive), "--data", str(tmp_path / "data"), *words)
    assert done.exit_code == 1
    assert said.format(folder=tmp_path) in done.stderr
    assert not (tmp_path / "data").exists()


def test_places_that_another_portal_may_use_are_not_touched(
    restored: Restored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "theirs").write_text("another portal's")
    monkeypatch.setenv("KZOPEN_FILES_URL", f"file://{files}")
    for name in ("SECRET_KEY", "METRICS_TOKEN", "RECORD_PASSWORD", "PEOPLE_KEY"):
        monkeypatch.setenv(f"KZOPEN_{name}", token_urlsafe(48))
    done = here("restore", str(restored.archive), "--data", str(tmp_path / "data"))
    assert f"{files} is not empty, and may be another portal's" in done.stderr
    assert (files / "theirs").read_text() == "another portal's"
    monkeypatch.delenv("KZOPEN_FILES_URL")
    socket = DataOf(Settings(data=restored.old.live.data)).sockets / "valkey.sock"
    monkeypatch.setenv("KZOPEN_REDIS_URL", f"unix://{socket}?db=5")
    done = here("restore", str(restored.archive), "--data", str(tmp_path / "data"))
    assert "redis_url: what lies there may be another portal's" in done.stderr


@pytest.mark.fault
def test_a_restore_that_was_killed_starts_no_portal(restored: Restored, tmp_path: Path) -> None:
    """What was withdrawn since could be read in it, and mails would go out again."""
    data = tmp_path / "data"
    command = [str(ROOT / "kzopen"), "restore", str(restored.archive), "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        while "unpacking" not in running.stdout.readline():
            assert running.poll() is None
        os.killpg(running.pid, signal.SIGKILL)
    said = kzopen("serve", "--data", str(data), "--port", str(free_port()), "--no-demo", "--detach")
    assert "A restore into" in said.stdout + said.stderr
    assert "was not finished" in said.stdout + said.stderr
    assert kzopen("reset", "--data", str(data), "--commit").returncode == 0
    assert not data.exists()


def test_a_portal_is_never_overwritten(restored: Restored, tmp_path: Path) -> None:
    running = here("restore", str(restored.archive), "--data", str(restored.new.live.data))
    (tmp_path / "mine.txt").write_text("mine")
    full = here("restore", str(restored.archive), "--data", str(tmp_path))
    assert "a portal runs in" in running.stderr
    assert "is not empty, and may be another portal's" in full.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"
    old = str(restored.old.live.data)
    assert "is there already; give another name" in here("backup", str(restored.archive), "--data", old).stderr
    assert "lies within" in here("backup", f"{old}/storage/mine.tar", "--data", old).stderr


def test_files_that_go_meanwhile_are_looked_for_again_and_lost_ones_told(
    restored: Restored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal, said, looks = DataOf(Settings(data=restored.old.live.data)), list[str](), list[int]()
    link = making._link_all

    def losing(of: DataOf, links: Path) -> None:
        """One file is gone when it is looked for the first time."""
        link(of, links)
        looks.append(1)
        if len(looks) == 2:
            next((links / "files/versions").rglob("*.parquet")).unlink()

    monkeypatch.setattr(making, "_link_all", losing)
    making.make(portal, tmp_path / "once.tar", said.append)
    assert (
        [one for one in said if one.endswith("; once more …")] == [one for one in said if "1 files are missing" in one] != []
    )
    assert [one for one in said if one.startswith("!")] == []

    lost = max(one for one in (restored.old.live.data / "files/deliveries").rglob("*") if one.is_file())
    kept = lost.read_bytes()
    monkeypatch.setattr(making, "_link_all", link)
    said.clear()
    try:
        lost.unlink()
        making.make(portal, tmp_path / "without.tar", said.append)
    finally:
        lost.write_bytes(kept)
    assert [lost.name in one for one in said if one.startswith("!")] == [True]


def test_one_backup_is_made_at_a_time(restored: Restored, tmp_path: Path) -> None:
    portal = DataOf(Settings(data=restored.old.live.data))
    with making._alone(portal), pytest.raises(making.CannotBackUp, match="another backup of this portal is being made"):
        making.make(portal, tmp_path / "second.tar", print)
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Killed:
    """A backup that was killed and the one made after it: what was there in between, and what the second one said."""

    archive: Path
    left: bool
    told: tuple[float | None, float | None]
    said: str


@pytest.fixture(scope="module")
def killed(restored: Restored, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    target, before = tmp_path_factory.mktemp("killed") / "kzopen.tar", last_backup(restored.old)
    command = [str(ROOT / "kzopen"), "backup", str(target), "--data", str(restored.old.live.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        assert "database" in running.stdout.readline()
        running.kill()
    left, meanwhile = target.exists(), last_backup(restored.old)
    done = kzopen("backup", str(target), "--data", str(restored.old.live.data))
    assert done.returncode == 0, done.stderr
    return Killed(target, left, (before, meanwhile), done.stdout)


@pytest.mark.fault
def test_a_backup_that_was_killed_leaves_no_archive_and_the_next_one_is_made(restored: Restored, killed: Killed) -> None:
    before, meanwhile = killed.told
    assert not killed.left
    assert meanwhile == before
    assert (last_backup(restored.old) or 0) > (before or 0)
    assert [path.name for path in restored.old.live.data.glob("**/.backup")] == []


def test_a_withdrawn_data_set_stops_no_backup(killed: Killed) -> None:
    """Its bodies are deleted, those of deliveries that wait for a person too."""
    said = killed.said.splitlines()
    assert [one for one in said if one.startswith("!") or "once more" in one] == []
    manifest, texts = texts_below(killed.archive, "files/withdrawn")
    assert manifest.files_here
    assert any(GONE in text for text in texts)


def test_two_portals_run_side_by_side_and_stop_without_a_trace(restored: Restored) -> None:
    """The last test of the file: the restored portal ends with it, by Ctrl-C; the other one by SIGTERM, as all of the tests do
    (`portal_at`).
    """
    for portal in (restored.old, restored.new):
        assert httpx.get(portal.live.url, follow_redirects=True, timeout=60).status_code == 200
    family, others = family_of(restored.new.live.data), family_of(restored.old.live.data)
    assert min(len(family), len(others)) > 8
    family[0].send_signal(signal.SIGINT)  # Ctrl-C
    family[0].wait(timeout=10)
    assert_none_is_left(family)
    assert httpx.get(restored.old.live.url, follow_redirects=True, timeout=60).status_code == 200
    assert family_of(restored.old.live.data)[0] == others[0]
