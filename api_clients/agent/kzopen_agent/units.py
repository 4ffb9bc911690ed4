"""The units with which systemd runs the agent: `once`, again and again.

The agent has no account: systemd makes one for each run, which can read nothing that is not everybody's. The settings and the
token, which only root may read, are lent to it for the run (systemd 247 or newer, `LoadCredential=`).
"""

from __future__ import annotations

import os
from pathlib import Path

from kzopen_agent.settings import LENT, VARIABLE, Settings

SERVICE = """\
[Unit]
Description=Sends changes of tables to the open data portal
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
DynamicUser=yes
StateDirectory=kzopen-agent
{lent}
ExecStart={command} --config ${{{folder}}}/{config} once
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
"""
TIMER = """\
[Unit]
Description=Sends changes of tables to the open data portal

[Timer]
OnBootSec=30s
OnUnitInactiveSec=10s
AccuracySec=1s

[Install]
WantedBy=timers.target
"""
"""A table whose `every` is 30 s is looked at 40 s after its last look at the latest, and is sent at once."""


def units(command: str, config: Path, settings: Settings, token: Path | None = None) -> dict[str, str]:
    """The text of each unit by its name; `command` starts the agent, `token` is a file with the token that the settings do
    not name.

    Files are named as they were given: one behind a symbolic link may lie elsewhere tomorrow.
    """
    lent = [(file.name, file) for file in (config, settings.token_file) if file]
    lent += [(VARIABLE, token)] if token else []
    lines = "\n".join(f"LoadCredential={name}:{file.absolute()}" for name, file in lent)
    service = SERVICE.format(command=command, config=config.name, folder=LENT, lent=lines)
    return {"kzopen-agent.service": service, "kzopen-agent.timer": TIMER}


def keep(token: str, file: Path) -> None:
    """Write the token into a file that its owner alone may read, from its first byte on; raises OSError."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
        written.write(f"{token}\n")
    fresh.replace(file)
