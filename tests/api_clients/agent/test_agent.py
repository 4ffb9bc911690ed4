"""An agency's table and the portal's are the same in the end, whatever dies or goes away between them."""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import ckan.plugins.toolkit as tk
import pymysql
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from sqlalchemy import make_url

from tests.api_clients.agent.conftest import AGENT, Agent, until
from tests.harvesters.databases import mariadb, own_folder, postgresql
from tests.publishing.test_staff_pages import page, words
from tests.publishing.test_systems import system_of, token_of

Rows = dict[str, tuple[str, int]]
AS_IT_IS = [sys.executable, "-m", "kzopen_agent"]
BARE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
EVERY = 0.1  # seconds: `once` leaves a table alone that it looked at a shorter time ago
LATEST = 1.2  # seconds after which an agent is killed: it has started and sent by then, or is about to
FIRST: Rows = {"000140000012": ("№1 мектеп", 640), "000140000092": ("Гимназия", 1210)}


class Sqlite:
    """A register that changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.do("CREATE TABLE school (bin TEXT PRIMARY KEY, name TEXT, pupils INTEGER)")
        for key, (name, pupils) in FIRST.items():
            self.do("INSERT INTO school VALUES (?, ?, ?)", key, name, pupils)

    def do(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement, values)
        connection.close()

    def rows(self) -> Rows:
        with sqlite3.connect(self.path) as connection:
            found = {key: (name, pupils) for key, name, pupils in connection.execute("SELECT bin, name, pupils FROM school")}
        connection.close()
        return found

    @property
    def source(self) -> str:
        return f'database = "sqlite://{self.path}"\nquery = "SELECT bin, name, pupils FROM school"'


@pytest.fixture
def register(tmp_path: Path) -> Sqlite:
    return Sqlite(tmp_path / "register.sqlite")


def test_only_changes_are_sent(agent: Agent, register: Sqlite) -> None:
    agent.configure(register.source)
    assert "2 added, 0 changed, 0 removed, 0 unchanged" in agent.run("once")
    assert agent.published() == register.rows()
    time.sleep(EVERY)
    assert agent.run("once") == ""
    register.do("UPDATE school SET pupils = 641 WHERE bin = '000140000012'")
    register.do("DELETE FROM school WHERE bin = '000140000092'")
    register.do("INSERT INTO school VALUES ('000140000220', 'Лицей', 305)")
    assert "1 added, 1 changed, 1 removed, 0 unchanged" in agent.run("--dry-run")
    assert len(agent.published()) == 2, "a dry run sends nothing"
    time.sleep(EVERY)
    assert "1 added, 1 changed, 1 removed, 0 unchanged" in agent.run("once")
    assert agent.published() == register.rows()
    assert [path.split("mode=")[1] for path in agent.gate.came if "mode=" in path] == ["replace", "upsert", "delete"]


def test_the_queue_outlives_the_portal_s_absence_and_lost_answers(agent: Agent, register: Sqlite) -> None:
    agent.configure(register.source)
    agent.gate.fails = ["away", "answer lost", "away"]
    with agent.running():
        until(lambda: not agent.gate.fails)
        register.do("UPDATE school SET pupils = 1 WHERE bin = '000140000012'")
        took = until(lambda: agent.published_or_none() == register.rows())
    assert took < 60
    assert agent.versions() == agent.sent(), "each delivery that came through made one version"
    assert "0 deliveries wait" in agent.run("status")


def test_the_token_of_an_information_system_is_enough(agent: Agent, register: Sqlite) -> None:
    """As the guide has it: one of a system that may send to this data set and do nothing else."""
    system = system_of(agent.agency, [model.Package.get(agent.uri).id])
    agent.configure(register.source, token=token_of(system, may=("replace", "upsert", "delete"))[1])
    agent.run("once")
    register.do("UPDATE school SET pupils = 641 WHERE bin = '000140000012'")
    register.do("DELETE FROM school WHERE bin = '000140000092'")
    time.sleep(EVERY)
    agent.run("once")
    assert agent.published() == register.rows()


def test_a_token_that_is_renewed_behind_a_link_is_read_by_an_agent_that_runs(agent: Agent, register: Sqlite) -> None:
    """As those who keep tokens for others renew them: a folder beside the old one, and the link is changed in one step."""
    agent.configure(register.source, token="of-nobody")
    settings = agent.folder / "agent.toml"
    settings.write_text(re.sub(r"token = .*", f'token_file = "{agent.folder}/now/token"', settings.read_text()))
    for name, token in (("old", "of-nobody"), ("new", agent.agency.token)):
        (agent.folder / name).mkdir()
        (agent.folder / name / "token").write_text(f"{token}\n")
    (agent.folder / "now").symlink_to("old")
    (agent.folder / "next").symlink_to("new")
    with agent.running():
        until(lambda: len(agent.gate.keys) > 0)
        assert agent.published_or_none() is None
        (agent.folder / "next").rename(agent.folder / "now")
        until(lambda: agent.published_or_none() == register.rows())


def test_a_killed_agent_neither_loses_nor_doubles(agent: Agent, register: Sqlite) -> None:
    """SIGKILL at random moments while rows change; the seed is printed."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    choice = random.Random(seed)
    agent.configure(register.source)
    for number in range(6):
        process = subprocess.Popen(agent.command("run"), env=agent.environment)
        register.do("INSERT OR REPLACE INTO school VALUES (?, ?, ?)", f"{number:012d}", f"Мектеп {number}", number)
        register.do("UPDATE school SET pupils = pupils + 1")
        time.sleep(choice.uniform(0.1, LATEST))
        process.send_signal(signal.SIGKILL)
        process.wait()
    register.do("DELETE FROM school WHERE bin = '000000000001'")
    with agent.running():
        until(lambda: agent.published_or_none() == register.rows(), 60)
    assert agent.versions() == agent.sent(), "each delivery that came through made one version"


def test_refused_rows_go_again_when_they_are_corrected(agent: Agent, register: Sqlite) -> None:
    agent.configure(register.source)
    agent.run("once")
    register.do("UPDATE school SET pupils = 'many' WHERE bin = '000140000012'")
    time.sleep(EVERY)
    agent.run("once", expect=1)
    assert "did not pass" in agent.run("status") or "error" in agent.run("status")
    assert agent.published()["000140000012"] == ("№1 мектеп", 640)
    register.do("UPDATE school SET pupils = 642 WHERE bin = '000140000012'")
    time.sleep(EVERY)
    agent.run("once")
    assert agent.published() == register.rows()


def test_a_key_that_comes_twice_stops_its_table(agent: Agent, tmp_path: Path) -> None:
    file = tmp_path / "schools.csv"
    file.write_text("bin,name,pupils\n1,a,1\n1,b,2\n")
    agent.configure(f'file = "{file}"')
    assert "comes twice" in agent.run("once", expect=1)
    file.write_text("bin,name,pupils\n1,a,1\n2,b,2\n")
    assert "2 added" in agent.run("once")
    assert agent.published() == {"1": ("a", 1), "2": ("b", 2)}


Change = Callable[[str], None]


@pytest.fixture(scope="module", params=["postgresql", pytest.param("mariadb", marks=pytest.mark.long)])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Change]]:
    """The address of a real database, and a way to change it."""
    with own_folder() as folder:
        if request.param == "postgresql":
            with postgresql(folder) as address:
                import psycopg

                sockets, port = next(folder.rglob("sockets")), make_url(address).port

                def change(statement: str) -> None:
                    place = f"host={sockets} port={port} user=postgres dbname=postgres"
                    with psycopg.connect(place, autocommit=True) as connection:
                        connection.execute(statement)

                yield address, change
        else:
            with mariadb(folder) as address:
                url = make_url(address)

                def change(statement: str) -> None:
                    told = {"host": "127.0.0.1", "port": url.port, "user": "agency", "password": "secret"}
                    with pymysql.connect(**told, database="register", autocommit=True) as connection:
                        connection.cursor().execute(statement)

                yield address, change


@pytest.fixture
def database(server: tuple[str, Change]) -> tuple[str, Change]:
    """The same with the first rows, and no others."""
    _address, change = server
    change("DELETE FROM school")
    for key, (name, pupils) in FIRST.items():
        change(f"INSERT INTO school (bin, name, pupils) VALUES ('{key}', '{name}', {pupils})")
    return server


def test_a_change_in_the_database_is_public_within_a_minute(agent: Agent, database: tuple[str, Change]) -> None:
    address, change = database
    agent.quick = False  # the minute is that of the agent as it is
    agent.configure(f'database = "{address}"\nquery = "SELECT bin, name, pupils FROM school"')
    with agent.running():
        until(lambda: agent.published_or_none() == FIRST)
        change("UPDATE school SET pupils = 700 WHERE bin = '000140000012'")
        took = until(lambda: agent.published()["000140000012"][1] == 700)
        print(f"public after {took:.1f} s")
        assert took < 60
        change("DELETE FROM school WHERE bin = '000140000092'")
        until(lambda: list(agent.published()) == ["000140000012"])


CUTS = ("away", "request cut", "answer cut", "answer lost", "")


def test_cuts_and_kills_lose_nothing_of_a_real_database(agent: Agent, database: tuple[str, Change]) -> None:
    """The network is cut and the agent killed at random moments while rows change; the seed is printed."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    choice, (address, change), rows = random.Random(seed), database, dict(FIRST)
    agent.configure(f'database = "{address}"\nquery = "SELECT bin, name, pupils FROM school"')
    for number in range(5):
        agent.gate.fails += choice.choices(CUTS, k=2)
        process = subprocess.Popen(agent.command("run"), env=agent.environment)
        change(f"INSERT INTO school (bin, name, pupils) VALUES ('{number:012d}', 'Мектеп {number}', {number})")
        change("UPDATE school SET pupils = pupils + 1")
        rows |= {f"{number:012d}": (f"Мектеп {number}", number)}
        rows = {key: (name, pupils + 1) for key, (name, pupils) in rows.items()}
        time.sleep(choice.uniform(0.1, LATEST))
        process.send_signal(signal.SIGKILL)
        process.wait()
    change("DELETE FROM school WHERE bin = '000000000001'")
    del rows["000000000001"]
    agent.gate.fails.clear()  # the network is whole again
    with agent.running():
        until(lambda: agent.published_or_none() == rows, 60)
    assert agent.versions() == agent.sent(), "each delivery that came through made one version"


def test_two_agents_do_not_share_a_folder(agent: Agent, register: Sqlite) -> None:
    agent.configure(register.source)
    with agent.running():
        until(lambda: agent.published_or_none() is not None)
        assert "another agent works" in agent.run("once", expect=2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('file = "x.csv"\ndatabase = "sqlite:///x"\nquery = "SELECT 1"', "either file"),
        ('file = "x.csv"\nevery = "soon"', "no span"),
        ('file = "x.csv"\ncolour = "red"', "unknown: colour"),
    ],
)
def test_a_wrong_file_is_told_by_its_place(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f'portal = "http://127.0.0.1:1"\ntoken = "t"\n[[table]]\ndataset = "schools"\nkey = ["bin"]\n{line}\n')
    environment = BARE | {"PYTHONPATH": str(AGENT)}
    done = subprocess.run([*AS_IT_IS, "--config", str(file), "once"], capture_output=True, text=True, env=environment)
    assert done.returncode == 2, done.stdout
    assert f"{file}: table 1" in done.stderr
    assert said in done.stderr


SYSTEM = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
"""The Python of the machine, which has none of the portal's libraries."""


def download(app: CKANTestApp, name: str, folder: Path) -> Path:
    """A file of the agent as the portal gives it to anybody."""
    answer = app.test_client(use_cookies=False).get(f"/agent/{name}")
    assert answer.status_code == 200, answer.data[:300]
    (folder / name).write_bytes(answer.data)
    return folder / name


def test_the_portal_gives_away_the_whole_agent_in_one_file(app: CKANTestApp, tmp_path: Path) -> None:
    file = download(app, "kzopen-agent.pyz", tmp_path)
    done = subprocess.run([SYSTEM, str(file), "--help"], capture_output=True, text=True, env=BARE)
    assert done.returncode == 0, done.stderr
    assert "kzopen-agent --config FILE [run|once|status|resend DATASET|systemd [FOLDER]]" in " ".join(done.stdout.split())
    assert {"kzopen_agent/state.py", "pymysql/__init__.py"} <= set(zipfile.ZipFile(file).namelist())
    settings = tmp_path / "agent.toml"
    settings.write_text('portal = "http://127.0.0.1:1"\ntoken = "t"\n[[table]]\ndataset = "ab"\nkey = ["a"]\nfile = "x.csv"\n')
    order = [SYSTEM, str(file), "--config", str(settings), "systemd"]
    units = subprocess.run(order, capture_output=True, text=True, env=BARE).stdout
    assert "[Timer]" in units
    command = next(line for line in units.splitlines() if line.startswith("ExecStart=")).removeprefix("ExecStart=").split()
    assert subprocess.run([*command[:2], "--version"], capture_output=True, text=True, env=BARE).stdout == "0.1.0\n"


def test_the_page_of_the_agent_tells_its_files_and_what_they_weigh(app: CKANTestApp, tmp_path: Path) -> None:
    told = page(app.get("/ru/agent/"))
    names = [one.get_text() for one in told.select("td code")], [one.get_text() for one in told.select("th a")]
    assert names[1] == ["kzopen-agent.pyz", "kzopen_agent-0.1.0-py3-none-any.whl"]
    for sha256, name in zip(*names, strict=True):
        assert hashlib.sha256(download(app, name, tmp_path).read_bytes()).hexdigest() == sha256
    sums = download(app, "SHA256SUMS", tmp_path)
    checked = subprocess.run(["sha256sum", "--check", sums.name], cwd=tmp_path, capture_output=True, text=True)
    assert checked.stdout.splitlines() == [f"{name}: OK" for name in names[1]]
    assert "curl -fsSo kzopen-agent.pyz http" in words(told, "pre")
    assert app.get("/agent/kzopen-agent.exe", status=404).json["code"] == "web.not_found"


def test_files_that_were_cleared_away_are_made_again(app: CKANTestApp, tmp_path: Path) -> None:
    first = download(app, "kzopen-agent.pyz", tmp_path).read_bytes()
    shutil.rmtree(Path(tk.config["kzopen.data"]) / "cache" / "agent")
    assert download(app, "kzopen-agent.pyz", tmp_path).read_bytes() == first


@pytest.mark.parametrize("made", ["zipapp", pytest.param("wheel", marks=pytest.mark.long)])
def test_one_command_installs_it_and_a_dry_run_tells_what_would_be_sent(
    agent: Agent, register: Sqlite, app: CKANTestApp, tmp_path: Path, made: str
) -> None:
    """Nothing is used but what the portal gave; the network is not asked for anything."""
    if made == "wheel":
        wheel = download(app, "kzopen_agent-0.1.0-py3-none-any.whl", tmp_path)
        own = tmp_path / "own"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own)], check=True)
        install = [sys.executable, "-m", "pip", "--python", str(own), "install", "-q", "--no-index", "--no-deps", str(wheel)]
        subprocess.run(install, check=True, capture_output=True)
        command = [str(own / "bin/kzopen-agent")]
    else:
        command = [SYSTEM, str(download(app, "kzopen-agent.pyz", tmp_path))]
    agent.configure(register.source)
    file = str(agent.folder / "agent.toml")
    done = subprocess.run([*command, "--config", file, "--dry-run"], capture_output=True, text=True, cwd=tmp_path, env=BARE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 added, 0 changed, 0 removed, 0 unchanged" in done.stdout
    assert agent.published_or_none() is None
    sent = subprocess.run([*command, "--config", file, "once"], capture_output=True, text=True, cwd=tmp_path, env=BARE)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert agent.published() == register.rows()
