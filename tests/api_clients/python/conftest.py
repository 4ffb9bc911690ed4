"""The client at a live portal, as an agency's program uses it; its state lies in a folder of the test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import ROOT, LivePortal

sys.path.insert(0, str(ROOT / "api_clients/python"))

from kzopen_client import Portal

SCHOOLS = "bin,name,pupils\n000140000012,№1 мектеп,640\n000140000092,Гимназия,1210\n000140000220,Лицей,305\n".encode()


@pytest.fixture
def token(live_portal: LivePortal) -> str:
    return live_portal.accounts["operator"]["token"]


@pytest.fixture
def portal(live_portal: LivePortal, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Portal(live_portal.url, token, language="ru") as made:
        yield made


def passport() -> dict[str, object]:
    return {
        "title": {"kk": "Мектептер", "ru": "Школы"},
        "description": {"kk": "Мектептер тізімі.", "ru": "Перечень школ."},
        "owner": "demo-kolbulak",
        "category": "education",
        "periodicity": "YEARLY",
        "schema": {
            "fields": [
                {"name": "bin", "type": "string", "constraints": {"required": True, "pattern": "[0-9]{12}"}},
                {"name": "name", "type": "string"},
                {"name": "pupils", "type": "integer", "constraints": {"minimum": 0}},
            ],
            "primaryKey": ["bin"],
        },
    }


@pytest.fixture
def uri(portal: Portal) -> str:
    """A data set of schools without rows."""
    name = f"client-{uuid4().hex[:10]}"
    portal.put_dataset(name, passport())
    return name
