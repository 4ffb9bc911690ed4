"""The units under which systemd runs the agent: sound, with what they may read, and often enough."""

from __future__ import annotations

import re
import shlex
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


def test_an_account_that_may_read_neither_settings_nor_token_is_lent_them(
    agent: Agent, register: Sqlite, units: Path, tmp_path: Path
) -> None:
    """As systemd does it: copies lie in a folder that it names to the service, and the files themselves are out of reach."""
    lent = tmp_path / "credentials"
    lent.mkdir()
    assert told(units, "DynamicUser") == ["yes"]
    for line in told(units, "LoadCredential"):
        name, _, place = line.partition(":")
        Path(place).rename(lent / name)
    command = told(units, "ExecStart")[0].replace("${CREDENTIALS_DIRECTORY}", str(lent))
    environment = agent.environment | {"CREDENTIALS_DIRECTORY": str(lent)}
    done = subprocess.run(shlex.split(command), env=environment, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert agent.published() == register.rows()


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
