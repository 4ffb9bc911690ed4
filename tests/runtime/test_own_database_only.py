"""A PostgreSQL of somebody else beside the embedded Valkey."""

from __future__ import annotations

import shutil
import signal
import stat
from pathlib import Path

import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import LONGEST_SOCKET_PATH, Portal
from ckanext.kzopen.runtime.serve import start_services
from ckanext.kzopen.runtime.supervisor import Supervisor

ELSEWHERE = "postgresql://a:b@db.example.kz/portal"


@pytest.mark.parametrize("folder", ["data", "d" * LONGEST_SOCKET_PATH], ids=["beside", "path too long for a socket"])
def test_valkey_comes_up_without_the_embedded_postgresql(tmp_path: Path, folder: str) -> None:
    portal = Portal(Settings(data=tmp_path / folder, database_url=ELSEWHERE))
    portal.make_folders()
    supervisor, before = Supervisor(portal), signal.getsignal(signal.SIGTERM)
    try:
        start_services(portal, supervisor)
        assert list(supervisor.running) == ["valkey"]
        assert stat.S_IMODE(portal.sockets.stat().st_mode) == 0o700
    finally:
        supervisor.stop()
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(portal.sockets, ignore_errors=True)
