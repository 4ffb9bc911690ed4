"""The doctor's checks that need CKAN, all in one process: to load it takes longer than they do.

`python -m ckanext.kzopen.runtime.inner_checks INI [DEEP]` prints a line of JSON for each of CHECKS, with DEEP for that too;
`Running` is that process as the doctor sees it, which goes on with other things meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKS = ("derived", "index", "withdrawals")
DEEP = "rows"
"""The check that reads every row, which is made when it is asked for."""


@dataclass(frozen=True)
class Said:
    """What a check said, line by line, and whether it found nothing; of one that `died` the lines are its last words."""

    good: bool
    lines: list[str]
    died: bool = False


class Running:
    """The checks under way; ask `said` for their words, which waits for the process's end."""

    def __init__(self, ini: Path, deep: bool = False) -> None:
        command = [sys.executable, "-m", "ckanext.kzopen.runtime.inner_checks", str(ini), *([DEEP] if deep else [])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")
        self._said: dict[str, Said] | None = None

    def said(self, name: str) -> Said:
        """One of CHECKS, or DEEP; where the process died before it, its last words."""
        if self._said is None:
            output, errors = self._process.communicate()
            found = [json.loads(line) for line in output.splitlines() if line.startswith('{"check"')]
            self._said = {one["check"]: Said(one["good"], one["lines"], one["died"]) for one in found}
            last = Said(False, [errors.strip()[-200:] or "it died"], died=True)
            self._said |= {missing: last for missing in (*CHECKS, DEEP) if missing not in self._said}
        return self._said[name]

    def end(self) -> None:
        """Nobody will ask."""
        self._process.kill()
        self._process.communicate()


def main(ini: str, deep: str = "") -> None:
    """Load CKAN, run the checks one after the other."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app
    from ckanext.kzopen.core.withdrawal import cli as withdrawal
    from ckanext.kzopen.rows import cli as rows
    from ckanext.kzopen.search import cli as search
    from click.testing import CliRunner

    app = make_app(CKANConfigLoader(ini).get_config())
    checks = dict(zip(CHECKS, (rows.check, search.check, withdrawal.check), strict=True))
    with app._wsgi_app.test_request_context():
        for name, command in (checks | ({deep: rows.compare} if deep == DEEP else {})).items():
            done = CliRunner().invoke(command, [])
            lines = done.output.strip().splitlines()
            died = done.exception is not None and not isinstance(done.exception, SystemExit)
            if died:
                lines.append(f"{type(done.exception).__name__}: {done.exception}"[:200])
            sys.stdout.write(json.dumps({"check": name, "good": done.exit_code == 0, "lines": lines, "died": died}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
