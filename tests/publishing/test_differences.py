"""Differences between any two versions, through the API."""

from __future__ import annotations

import pytest
from ckanext.kzopen.publishing import differences

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


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "Нұсқалар тым үлкен: бірге ең көбі 5 жол салыстырылады."),
        ("ru", "Версии слишком велики: сравнивается не больше 5 строк вместе."),
        ("en", "The versions are too large: at most 5 rows together are compared."),
    ],
)
def test_whole_tables_of_too_many_rows_together_are_not_compared(
    api: Api, uri: str, monkeypatch: pytest.MonkeyPatch, language: str, sentence: str
) -> None:
    for body in (SCHOOLS, SCHOOLS.replace(b"640", b"641"), SCHOOLS):
        api.delivery(uri, body)
    path = f"/datasets/{uri}/versions/3/diff?against=1"
    monkeypatch.setattr(differences, "MOST_ROWS", 6)
    assert api.get(path).status_code == 200
    monkeypatch.setattr(differences, "MOST_ROWS", 5)
    api.language = language

    answer = api.get(path)

    assert (answer.status_code, answer.json["code"]) == (422, "publishing.too_many_rows_to_compare")
    assert answer.json["detail"] == sentence
    # What a version changed against the one before it was counted when it was published.
    assert api.get(f"/datasets/{uri}/versions/3/diff").json["difference"]["changed"] == 1
