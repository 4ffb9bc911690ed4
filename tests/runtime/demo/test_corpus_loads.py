"""The whole corpus in a portal of its own: every table that can be one, every passport of the lists; again changes nothing."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from ckanext.kzopen.runtime.demo.corpus import load_corpus, open_corpus

from tests.conftest import NO_TLS, free_port, portal_at

pytestmark = [pytest.mark.long, pytest.mark.corpus, pytest.mark.timeout(3600)]
PASSPORTS = 2552


def test_all_of_it_is_found_and_a_second_time_nothing_is_made(corpus: Path, tmp_path: Path) -> None:
    material = open_corpus(corpus)
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        token = portal.accounts["operator"]["token"]
        first = load_corpus(portal.url, token, material)
        again = load_corpus(portal.url, token, material)
        found = httpx.get(f"{portal.url}/api/3/action/package_search?rows=0", verify=NO_TLS, timeout=60).json()["result"]
        bodies = httpx.get(f"{portal.url}/api/3/action/organization_list?limit=1", verify=NO_TLS, timeout=60)
    print(first.counts, again.counts)
    assert len(material.lists.items) == PASSPORTS
    assert found["count"] >= PASSPORTS
    assert bodies.status_code == 200
    assert "loaded" not in again.counts
    assert again.counts["unchanged"] == first.counts["loaded"] + first.counts.get("unchanged", 0)
    assert again.ended("refused") == first.ended("refused")
