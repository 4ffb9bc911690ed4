"""The long list of what a check found: a file beside the delivery's bytes, where there is more than the delivery's row holds.

A finding is a line of JSON, all of it gzipped. The file goes when the bytes go.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ckanext.kzopen.core import files
from ckanext.kzopen.publishing.inbox import FOLDER

# frictionless stays out of the web processes until somebody reads a report.
if TYPE_CHECKING:
    from ckanext.kzopen.validation.report import Finding, Report

ENDING = ".findings"
LISTED = 1000
"""Findings that a report has with it; the others are given by its `every`."""
MOST, MOST_BYTES = 100_000, 64 << 20
"""Findings of a list, and bytes of their JSON: cells may be long, and each finding quotes one."""
LEVEL = 3


def beside(path: str) -> str:
    """The name of the list that belongs to stored bytes."""
    return path + ENDING


def keep(files_url: str, path: str, report: Report) -> int:
    """Store the list of a report where its own findings are not all; how many findings there are to read."""
    if report.every is None or report.errors <= len(report.findings):
        return len(report.findings)
    keeper, name = files.of(files_url), beside(path)
    keeper.delete(name)  # a try that died before its commit may have left one
    with keeper.scratch(FOLDER) as temporary:
        number = _write(temporary, islice(report.every(), MOST))
        keeper.keep(temporary, name)
    return max(number, len(report.findings))  # of very long cells the row may hold more


def _write(target: Path, findings: Iterable[Finding]) -> int:
    number = size = 0
    with gzip.open(target, "wb", compresslevel=LEVEL) as file:
        for finding in findings:
            line = json.dumps(vars(finding) | {"params": dict(finding.params)}, ensure_ascii=False).encode() + b"\n"
            size += len(line)
            if size > MOST_BYTES:
                break
            file.write(line)
            number += 1
    return number


def read(files_url: str, path: str, offset: int, limit: int) -> list[Finding]:
    """Findings `offset` to `offset + limit`; FileNotFoundError when the list is not kept any more."""
    from ckanext.kzopen.validation.report import Finding

    with gzip.open(files.of(files_url).path(beside(path)), "rb") as lines:
        return [Finding(**json.loads(line)) for line in islice(lines, offset, offset + limit)]
