"""`./kzopen search …` on a running portal: what differs is told, and mended."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.conftest import LivePortal
from tests.runtime.test_record_commands import command, connect

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]  # each command is a process of its own


def call(live: LivePortal, action: str, **given: object) -> dict[str, object]:
    headers = {"Authorization": live.accounts["operator"]["token"]}
    answer = httpx.post(f"{live.url}/api/3/action/{action}", json=given, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()["result"]
    return found


def test_a_lost_document_is_found_and_mended_and_the_index_built_anew(live_portal: LivePortal) -> None:
    word = f"w{uuid.uuid4().hex[:10]}"
    agency = call(live_portal, "organization_create", name=f"org-{word}", title=word)
    dataset = call(live_portal, "package_create", name=word, title=word, owner_org=agency["id"])
    try:
        assert command(live_portal, "search", "check")[0] == 0
        with connect(live_portal) as connection:
            connection.execute("DELETE FROM kzopen.search_document WHERE entity_id = %s", (dataset["id"],))
        code, said = command(live_portal, "search", "check")
        assert (code, "packages without a document" in said) == (1, True), said
        assert command(live_portal, "search", "repair")[0] == 0
        code, said = command(live_portal, "search", "rebuild")
        assert (code, "The index is built" in said) == (0, True), said
        code, said = command(live_portal, "search", "check")
        assert (code, "in step" in said) == (0, True), said
        assert call(live_portal, "package_search", q=word)["count"] == 1
    finally:
        call(live_portal, "dataset_purge", id=dataset["id"])
        call(live_portal, "organization_purge", id=agency["id"])
