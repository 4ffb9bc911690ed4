"""The units under which systemd runs the agent: sound, with what they may read, and often enough."""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.api_clients.agent.conftest import AGENT, Agent
from tests.api_clients.agent.test_agent import Sqlite, register

__all__ = ["register"]
UNITS = ("kzopen-agent.service", "kzopen-agent.timer")
MINUTE = 60
BEGINS = 1.0
"""Seconds from the timer to the agent's look: Python starts, and the settings are read."""


@pytest.fixture
def units(agent: Agent, register: Sqlite, tmp_path: Path) -> Path:
    """A folder with the units of an agent whose token lies in a file of its own."""
    agent.configure(register.source, every="30s")
    settings, token = agent.folder / "agent.toml", agent.folder / "token"
    token.write_text(f"{agent.agency.token}\n")
    settings.write_text(re.sub(r'token = ".*"', f'token_file = "{token}"', settings.read_text()))
    agent.quick = False
    assert agent.run("systemd", str(tmp_path)) == ""
    return tmp_path


def told(units: Path, name: str) -> list[str]:
    """What the units say of this."""
    lines = "".join((units / unit).read_text() for unit in UNITS).splitlines()
    return [line.removeprefix(f"{name}=") for line in lines if line.startswith(f"{name}=")]


def test_systemd_itself_finds_no_fault_in_the_units(units: Path) -> None:
    verified = subprocess.run(
        ["systemd-analyze", "verify", *(str(units / name) for name in UNITS)], capture_output=True, text=True
    )
    assert not [line for line in verified.stderr.splitlines() if "kzopen" in line], verified.stderr
    assert verified.returncode == 0, verified.stderr


def test_they_are_printed_where_no_folder_is_named(agent: Agent, units: Path) -> None:
    printed = agent.run("systemd")
    for name in UNITS:
        assert f"# /etc/systemd/system/{name}\n{(units / name).read_text()}" in printed


def test_settings_that_cannot_be_used_get_no_units(agent: Agent, tmp_path: Path) -> None:
    agent.folder.mkdir()
    (agent.folder / "agent.toml").write_text("portal = 1\n")
    assert "is missing" in agent.run("systemd", str(tmp_path), expect=2)
    assert not list(tmp_path.glob("kzopen-agent.*"))


def test_an_account_that_may_read_neither_settings_nor_token_is_lent_them(agent: Agent, register: Sqlite, units: Path) -> None:
    """As systemd does it: copies lie in a folder that it names to the service, and the files themselves are out of reach."""
    assert told(units, "DynamicUser") == ["yes"]
    as_the_service_is_started(agent, units)
    assert agent.published() == register.rows()


def as_the_service_is_started(agent: Agent, units: Path) -> None:
    """What the units lend is moved away to where only the service finds it, and the service does its work once."""
    lent = units / "credentials"
    lent.mkdir()
    for line in told(units, "LoadCredential"):
        name, _, place = line.partition(":")
        Path(place).rename(lent / name)
    command = told(units, "ExecStart")[0].replace("${CREDENTIALS_DIRECTORY}", str(lent))
    environment = agent.environment | {"CREDENTIALS_DIRECTORY": str(lent)}
    done = subprocess.run(shlex.split(command), env=environment, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


def without_a_token(agent: Agent, register: Sqlite) -> dict[str, str]:
    """The settings name no token; the environment with it."""
    agent.configure(register.source)
    settings = agent.folder / "agent.toml"
    settings.write_text(re.sub(r"token = .*\n", "", settings.read_text()))
    agent.quick = False
    return agent.environment | {"KZOPEN_TOKEN": agent.agency.token}


def test_a_token_that_only_the_environment_has_gets_no_units_but_what_to_do(
    agent: Agent, register: Sqlite, tmp_path: Path
) -> None:
    """The service has another environment: it would fail at each start."""
    given = without_a_token(agent, register)
    done = subprocess.run(agent.command("systemd", str(tmp_path)), env=given, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout, list(tmp_path.glob("kzopen-agent.*"))) == (2, "", [])
    for word in ("KZOPEN_TOKEN", "token_file =", "--token-file"):
        assert word in done.stderr
    assert agent.agency.token not in done.stderr


def test_it_is_kept_for_the_service_where_that_is_asked_for(agent: Agent, register: Sqlite, tmp_path: Path) -> None:
    given, kept = without_a_token(agent, register), tmp_path / "kept"
    kept.write_text("an older one, which everybody may read")
    kept.chmod(0o644)
    words = ("systemd", str(tmp_path), "--token-file", str(kept))
    done = subprocess.run(agent.command(*words), env=given, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (f"{agent.agency.token}\n", 0o600)
    as_the_service_is_started(agent, tmp_path)
    assert agent.published() == register.rows()


def test_a_token_that_the_settings_name_is_not_kept_a_second_time(agent: Agent, register: Sqlite, tmp_path: Path) -> None:
    agent.configure(register.source)
    said = agent.run("systemd", str(tmp_path), "--token-file", str(tmp_path / "kept"), expect=2)
    assert "names the token already" in said
    assert not (tmp_path / "kept").exists()


def test_a_file_behind_a_link_is_lent_by_the_link_s_name(agent: Agent, units: Path, tmp_path: Path) -> None:
    """What it leads to is another file after the token has been renewed."""
    token = agent.folder / "token"
    token.rename(tmp_path / "token-1")
    token.symlink_to(tmp_path / "token-1")
    agent.run("systemd", str(units))
    assert f"token:{token}" in told(units, "LoadCredential")


class Clock:
    """The agent's clock, which the test puts forward."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_change_right_after_a_look_reaches_the_portal_within_a_minute_at_the_timer_s_pace(
    agent: Agent, register: Sqlite, units: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of its own: `once` is called as often as the timer does it."""
    [pause] = told(units, "OnUnitInactiveSec")
    monkeypatch.syspath_prepend(str(AGENT))
    from kzopen_agent import __main__ as command
    from kzopen_agent import sending, state

    clock = Clock()
    monkeypatch.setattr(sending, "now", clock)
    monkeypatch.setattr(state, "time", SimpleNamespace(time=clock))
    once = ["--config", str(agent.folder / "agent.toml"), "once"]
    assert command.main(once) == 0
    assert agent.published() == register.rows()
    changed = clock.now
    register.do("UPDATE school SET pupils = 641 WHERE bin = '000140000012'")
    while agent.published() != register.rows():
        clock.now += float(pause.removesuffix("s")) + BEGINS
        assert command.main(once) == 0
        assert clock.now - changed < MINUTE - 15, "the rest is the portal's"
    print(f"public after {clock.now - changed:.0f} s")
    assert clock.now - changed >= 30, "a table is not looked at more often than its `every` says"
