"""Commands that are given a data directory speak to the portal that runs on it, whatever its port."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import write_private
from click.testing import CliRunner

from tests.conftest import free_port


@pytest.mark.parametrize(
    "command",
    [
        ["user", "add", "aigul", "--email", "aigul@example.org"],
        ["user", "end-role", "aigul", "author", "--agency", "demo-ministry", "--reason", "moved"],
        ["publish", "FILE", "--dataset", "x"],
        ["withdraw", "x"],
        ["harvest", "list"],
    ],
    ids=["user add", "user end-role", "publish", "withdraw", "harvest"],
)
def test_the_portal_of_the_data_directory_is_asked(tmp_path: Path, command: list[str]) -> None:
    portal, address = Portal(Settings(data=tmp_path / "data")), f"http://127.0.0.1:{free_port()}"
    portal.make_folders()
    write_private(portal.accounts, {"operator": {"token": "the operator's"}})
    portal.status.write_text(json.dumps({"pid": os.getpid(), "address": address, "processes": []}))
    file = tmp_path / "table.csv"
    file.write_text("code\n1\n")
    given = [str(file) if word == "FILE" else word for word in command]

    done = CliRunner().invoke(main, [*given, "--data", str(portal.data)])

    assert done.exit_code == 1
    assert f"the portal at {address} does not answer" in done.output
