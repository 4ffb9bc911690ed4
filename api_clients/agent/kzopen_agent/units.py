"""The units with which systemd runs the agent: `once`, again and again.

The agent has no account: systemd makes one for each run, which can read nothing that is not everybody's. The settings and the
token, which only root may read, are lent to it for the run (systemd 247 or newer, `LoadCredential=`).
"""

from __future__ import annotations

from pathlib import Path

from kzopen_agent.settings import LENT, Settings

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


def units(command: str, config: Path, settings: Settings) -> dict[str, str]:
    """The text of each unit by its name; `command` starts the agent."""
    files = [config, *([settings.token_file] if settings.token_file else [])]
    lent = "\n".join(f"LoadCredential={file.name}:{file.resolve()}" for file in files)
    service = SERVICE.format(command=command, config=config.name, folder=LENT, lent=lent)
    return {"kzopen-agent.service": service, "kzopen-agent.timer": TIMER}
