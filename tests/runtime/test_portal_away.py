"""Commands that speak to a portal say in a sentence that none answers, and what helps."""

from __future__ import annotations

from pathlib import Path

import pytest
from ckanext.kzopen.runtime.command import main
from click.testing import CliRunner

from tests.conftest import free_port


@pytest.mark.parametrize("command", [["harvest", "list"], ["harvest", "history", "x"], ["publish", "FILE", "--dataset", "x"]])
def test_a_portal_that_does_not_answer_is_told_in_a_sentence(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "table.csv"
    file.write_text("code\n1\n")
    address = f"http://127.0.0.1:{free_port()}"
    given = [str(file) if word == "FILE" else word for word in command]

    done = CliRunner().invoke(main, [*given, "--url", address, "--token", "anybody's", "--data", str(tmp_path)])

    assert done.exit_code == 1
    assert done.output.startswith(f"Error: the portal at {address} does not answer (")
    assert done.output.rstrip().endswith("./kzopen serve starts it, --url names another address")
