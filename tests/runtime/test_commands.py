"""The launcher's commands as a person types them; each runs in a process of its own."""

from __future__ import annotations

import json
import os
import re
import runpy
import socket
import stat
import subprocess
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import publishing, serve, testing
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.documenting import commands
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import web
from ckanext.kzopen.runtime.testing.suites import suites
from click import ClickException, Context
from click.testing import CliRunner

from tests.conftest import NO_TLS, ROOT, LivePortal

WELLS = {
    "title": {"kk": "Ұңғымалар", "ru": "Скважины"},
    "description": {"kk": "Сынақ", "ru": "Проверка"},
    "owner": "demo-kolbulak",
    "category": "statistics",
    "periodicity": "ONCE",
    "schema": {"fields": [{"name": "code", "type": "string"}, {"name": "depth", "type": "integer"}], "primaryKey": ["code"]},
}


def kzopen(*arguments: str, timeout: int = 180) -> subprocess.CompletedProcess[str]:
    """One command, with what it said on both streams."""
    return subprocess.run(
        [str(ROOT / "kzopen"), *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout
    )


def test_every_command_has_help_with_an_example() -> None:
    known = [context.command_path.split()[1:] for context in commands(Context(main, info_name="./kzopen"))]
    said = {" ".join(words): CliRunner().invoke(main, [*words, "--help"]) for words in known}
    assert {"serve", "backup", "restore", "test", "ckan", "demo load"} <= set(said)
    assert [name for name, told in said.items() if told.exit_code or "Example: ./kzopen" not in told.output] == []


@pytest.mark.parametrize(
    ("asked", "passed_on"), [(["--", "--help"], ["--help"]), (["user", "--help"], ["user", "--help"]), (["--help"], None)]
)
def test_help_of_ckan_is_ours_and_that_of_its_commands_its_own(
    asked: list[str], passed_on: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ckan.ini").write_text("")
    given: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, words: given.append(words))
    said = CliRunner().invoke(main, ["ckan", "--data", str(tmp_path), *asked])
    assert said.exit_code == 0
    assert ("./kzopen ckan -- --help" in said.output, bool(given)) == (passed_on is None, passed_on is not None)
    if passed_on:
        assert given[0][-len(passed_on) - 1 :] == [str(tmp_path / "ckan.ini"), *passed_on]


def test_help_of_the_tests_names_every_suite_and_runs_none_and_other_words_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(testing, "run_suite", lambda words: given.append(words) or 0)

    said = CliRunner().invoke(main, ["test", "--help"]).output

    told = {line.split()[0] for line in said.splitlines() if line.startswith("  ") and line.strip()}
    assert {*suites(), "guards"} - {"ckan-search-short"} <= told
    assert given == []
    words = ["tests/search", "-k", "kazakh", "--lanes", "1", "-h", "--durations=3"]
    assert CliRunner().invoke(main, ["test", *words]).exit_code == 0
    assert given == [words]


def test_a_taken_port_is_named_and_the_next_free_one_offered(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = kzopen("serve", "--data", str(tmp_path / "data"), "--port", str(port))
    assert said.returncode == 1
    sentence = rf"Port {port} is taken\. The next free one: \./kzopen serve --port (\d+) --data {tmp_path}/data\n"
    offered = re.search(sentence, said.stdout)
    assert offered, said.stdout
    assert int(offered[1]) != port
    with socket.socket() as another:
        another.bind(("127.0.0.1", int(offered[1])))


def test_host_and_workers_reach_the_web_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: list[Portal] = []
    monkeypatch.setattr(serve, "serve", lambda portal, *_given: served.append(portal))
    asked = ["serve", "--data", str(tmp_path), "--host", "127.0.0.9", "--port", "8099", "--workers", "5"]
    assert CliRunner().invoke(main, asked).exit_code == 0
    for name in ("KZOPEN_BIND", "KZOPEN_WEB"):
        monkeypatch.setenv(name, web(served[0]).environment[name])
    settings = runpy.run_module("ckanext.kzopen.runtime.gunicorn_settings")
    assert (settings["bind"], settings["workers"]) == ("127.0.0.9:8099", 5)


def test_stop_and_status_say_that_nothing_runs(tmp_path: Path) -> None:
    assert f"no portal runs in {tmp_path}" in kzopen("stop", "--data", str(tmp_path)).stdout
    status = kzopen("status", "--data", str(tmp_path))
    assert (status.returncode, f"no portal runs in {tmp_path}" in status.stdout) == (3, True)


def test_wrong_settings_are_named_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KZOPEN_SEARCH_URL", "https://127.0.0.1:9200/kz")
    monkeypatch.setenv("KZOPEN_FILES_URL", "ftp://files")
    said = kzopen("serve", "--data", str(tmp_path / "data"))
    assert said.returncode == 1
    assert "search_url: “https:…” is not understood; give elasticsearch://…" in said.stdout
    assert "files_url: “ftp:…” is not understood; give file://… or s3://…" in said.stdout
    assert "secret_key: is missing, and with parts on other machines it must be given" in said.stdout


def test_reset_shows_what_it_would_delete_and_deletes_only_a_portal(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not a portal")
    said = kzopen("reset", "--data", str(tmp_path), "--commit")
    assert said.returncode == 1
    assert (tmp_path / "mine.txt").exists()
    (tmp_path / "ckan.ini").write_text("")
    shown = kzopen("reset", "--data", str(tmp_path))
    assert "would delete" in shown.stdout
    assert (tmp_path / "mine.txt").exists()
    kzopen("reset", "--data", str(tmp_path), "--commit")
    assert not tmp_path.exists()


def test_secrets_and_accounts_are_for_their_owner_only(live_portal: LivePortal) -> None:
    for name in ("secrets.json", "accounts.json", "ckan.ini"):
        assert stat.S_IMODE((live_portal.data / name).stat().st_mode) == 0o600


def test_status_shows_each_process_with_its_memory_and_the_queues(live_portal: LivePortal) -> None:
    said = kzopen("status", "--data", str(live_portal.data)).stdout
    row = r"^  (\S+) +(?:running|done) +\d+\.\d MB  since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:, restarted \d+×)?$"
    processes = {"kzopen", "postgres", "valkey", "forkserver", "web", "indexer", "worker", "ckan-worker"}
    assert processes <= set(re.findall(row, said, re.MULTILINE)), said
    assert re.search(r"^  together +\d+\.\d MB$", said, re.MULTILINE)
    for queue in ("jobs waiting", "jobs running", "jobs failed", "mails waiting", "index lag, changes", "CKAN's jobs waiting"):
        assert re.search(rf"^  {queue} +\d+$", said, re.MULTILINE), (queue, said)


def test_a_second_start_of_a_running_portal_is_refused(live_portal: LivePortal) -> None:
    said = kzopen("serve", "--data", str(live_portal.data), "--port", "5999")
    assert "This portal runs already" in said.stdout


def test_a_table_is_published_by_command_and_its_errors_are_told(live_portal: LivePortal, tmp_path: Path) -> None:
    name, data = f"by-command-{uuid4().hex[:8]}", str(live_portal.data)
    passport, table, wrong = (tmp_path / file for file in ("passport.json", "wells.csv", "wrong.csv"))
    passport.write_text(json.dumps(WELLS), encoding="utf-8")
    table.write_text("code,depth\n0071,40\n0072,55\n", encoding="utf-8")
    wrong.write_text("code,depth\n0071,deep\n", encoding="utf-8")
    said = kzopen("publish", str(table), "--dataset", name, "--passport", str(passport), "--data", data)
    assert (said.returncode, said.stdout) == (
        0,
        "Published (v1): rows 2, added 2, changed 0, unchanged 0, removed 0, wrong 0\n",
    )
    refused = kzopen("publish", str(wrong), "--dataset", name, "--data", data, "--lang", "ru")
    assert refused.returncode == 1
    assert refused.stdout.splitlines()[1].startswith("  row 2, depth: ")
    assert re.search("[а-я]", refused.stdout.splitlines()[1])
    read = httpx.get(f"{live_portal.url}/data/{name}.csv", verify=NO_TLS)
    assert read.text.lstrip("\ufeff").splitlines() == ['"code","depth"', '"0071",40', '"0072",55']


def test_a_delivery_that_goes_on_failing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = {"id": "1", "state": "failed", "state_label": "Failed", "version": None, "error": "no room"}
    answers = httpx.MockTransport(lambda _request: httpx.Response(200, json=failing))
    monkeypatch.setattr(publishing, "FAILING", 0.2)
    with httpx.Client(transport=answers, base_url="http://portal/") as client, pytest.raises(ClickException) as told:
        publishing._decided(client, failing)
    assert str(told.value) == "Failed: : no room; ./kzopen doctor looks for what is wrong"


@pytest.mark.long
def test_an_account_that_was_made_by_command_is_known_to_ckans_own_commands(live_portal: LivePortal) -> None:
    name, data = f"by-command-{uuid4().hex[:8]}", str(live_portal.data)
    said = kzopen("user", "add", name, "--email", f"{name}@example.org", "--agency", "demo-kolbulak", "--data", data)
    assert (said.returncode, said.stdout.split()[0]) == (0, name)
    password = said.stdout.split()[1]
    assert len(password) >= 12
    environment = {**os.environ, "KZOPEN_DATA": data}
    command = [str(ROOT / "kzopen"), "ckan", "user", "show", name]
    shown = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (shown.returncode, f"{name}@example.org" in shown.stdout) == (0, True)
    ending = ["user", "end-role", name, "author", "--agency", "demo-kolbulak", "--reason", "moved", "--data", data]
    assert CliRunner().invoke(main, ending).output == f"{name} is not author any more\n"
    again = CliRunner().invoke(main, ending)
    assert (again.exit_code, again.output) == (1, "Error: This person does not hold this role, or it has ended.\n")


@pytest.mark.long
def test_doctor_finds_a_cell_that_sql_changed_and_when_its_command_mended_it_nothing(live_portal: LivePortal) -> None:
    portal = Portal(Settings(data=live_portal.data))
    uri = "demo-airports"
    with psycopg.connect(addresses(portal)["sqlalchemy.url"]) as connection:
        newest = "SELECT resource_id, number FROM kzopen.version WHERE uri = %s ORDER BY number DESC LIMIT 1"
        resource, number = connection.execute(newest, (uri,)).fetchone() or ("", 0)
    with psycopg.connect(addresses(portal)["ckan.datastore.write_url"]) as connection:
        names = f'SELECT * FROM "{resource}" LIMIT 0'
        column = next(one.name for one in connection.execute(names).description or () if not one.name.startswith("_"))
        connection.execute(f'UPDATE "{resource}" SET "{column}" = \'0\' WHERE _id = 2')

    said = kzopen("doctor", "--deep", "--data", str(live_portal.data))

    command = f"KZOPEN_DATA={live_portal.data} ./kzopen ckan kzopen-rows reload {uri}"
    assert said.returncode == 1
    told = f"{uri}: 1 rows in the DataStore are not those of version {number}, the first is row 2\n      → {command}"
    assert told in said.stdout
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, cwd=ROOT)  # as it is told
    again = kzopen("doctor", "--deep", "--data", str(live_portal.data))
    assert f"{uri}:" not in again.stdout
    assert "0 tables differ" in again.stdout
    areas = [line.split()[:2] for line in again.stdout.splitlines() if line.startswith(("  ! ", "  ✓ "))]
    assert len(areas) >= 13, again.stdout
    # Other tests may have people sign up at this portal, and it has no mail server.
    assert [area for mark, area in areas if mark == "!" and area != "mail"] == [], again.stdout
