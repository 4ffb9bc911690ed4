"""Differences between any two versions, through the API."""

from __future__ import annotations

from tests.publishing.conftest import SCHOOLS, Api


def test_any_two_versions_are_compared_by_key(api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)
    api.delivery(uri, "bin,name,pupils\n000140000012,№1 мектеп,641\n".encode(), "?mode=upsert")
    api.delivery(uri, "bin,name,pupils\n000140009999,Жаңа мектеп,10\n".encode(), "?mode=append")

    told = api.get(f"/datasets/{uri}/versions/3/diff?against=1").json

    assert (told["number"], told["against"]) == (3, 1)
    counts = {name: told["difference"][name] for name in ("added", "changed", "unchanged", "removed")}
    assert counts == {"added": 1, "changed": 1, "unchanged": 2, "removed": 0}
    backwards = api.get(f"/datasets/{uri}/versions/1/diff?against=3").json["difference"]
    assert (backwards["added"], backwards["removed"]) == (0, 1)


def test_a_version_that_is_none_is_told(api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    assert api.get(f"/datasets/{uri}/versions/1/diff?against=7").json["code"] == "publishing.unknown_version"
    assert api.get(f"/datasets/{uri}/versions/1/diff?against=x").json["code"] == "web.bad_input"
