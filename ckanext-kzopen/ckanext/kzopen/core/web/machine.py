"""The machine for Prometheus: the data directory's disk, the launcher's processes, the last backup, the archive."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.metrics import Rows, register_figures
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

ENDED = ("done", "failed")
"""States of processes that had one thing to do: nobody starts them again."""
MOMENTS = (
    ("kzopen_backup_last_success_timestamp_seconds", "When the last backup was begun, Unix time.", "last_backup", "began"),
    ("kzopen_archive_complete_timestamp_seconds", "Until when the archive is whole, Unix time.", "archived_until", "until"),
)
"""Name and meaning of each, the file that tells it, and in which part."""


@register_figures
def figures(_rows: Rows) -> Iterator[Metric]:
    """The figures of this moment; those of files that cannot be read are missing."""
    yield from _disk(tk.config["kzopen.data"])
    yield from _processes(_content("kzopen.status_path").get("processes", []))
    for name, tells, file, part in MOMENTS:
        yield _moment(name, tells, file, part)


def _content(option: str) -> dict[str, Any]:
    path = tk.config.get(option)
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8"))) if path else {}
    except (OSError, ValueError):  # not there, not ours to read, or half of it: this figure is missing, the others are not
        return {}


def _disk(folder: str) -> Iterator[Metric]:
    disk = os.statvfs(folder)
    free, size = float(disk.f_bavail * disk.f_frsize), float(disk.f_blocks * disk.f_frsize)
    yield GaugeMetricFamily("kzopen_disk_free_bytes", "Room that is left on the data directory's disk.", free)
    yield GaugeMetricFamily("kzopen_disk_size_bytes", "Size of the data directory's disk.", size)


def _processes(told: list[dict[str, Any]]) -> Iterator[Metric]:
    up = GaugeMetricFamily("kzopen_process_up", "Whether a process of the launcher runs (1) or not (0).", labels=["process"])
    restarts = CounterMetricFamily("kzopen_process_restarts", "How often the launcher started it again.", labels=["process"])
    for process in told:
        if process["state"] not in ENDED:
            up.add_metric([process["name"]], float(process["state"] == "running"))
            restarts.add_metric([process["name"]], float(process["restarts"]))
    yield from (up, restarts)


def _moment(name: str, tells: str, file: str, part: str) -> Metric:
    """A moment that a file tells, in Unix time; no value as long as there is none."""
    found, moment = GaugeMetricFamily(name, tells), _content(f"kzopen.{file}_path").get(part)
    if moment:
        found.add_metric([], datetime.fromisoformat(moment).timestamp())
    return found
