"""Data Packages at the edges of the standard: nothing of them is published otherwise than they say."""

from __future__ import annotations

import hashlib
from functools import partial
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.kinds import AnyHarvester, Found
from ckanext.kzopen.publishing.harvest.reach import NotChanged

from tests.harvesters.alone import alone, fetched, found, rows
from tests.harvesters.test_frictionless import ROWS, SCHEMA, SCHOOLS, all_of, package, put
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue, Handler, send

md5 = partial(hashlib.md5, usedforsecurity=False)
PLAIN = SCHOOLS.replace(";", ",")
SHORT = [["a", "b"], ["1", "2"]]


def read(catalogue: Catalogue, body: Any, path: str = "/p/datapackage.json") -> AnyHarvester:
    return alone("frictionless", {"address": put(catalogue, path, body)})


def one(catalogue: Catalogue, resource: dict[str, Any], **files: str | bytes) -> tuple[AnyHarvester, Found]:
    """The only table of a package, whose files lie beside it by their stem."""
    for name, body in files.items():
        put(catalogue, f"/p/{name}", body)
    harvester = read(catalogue, package({"name": "x", "type": "table", **resource}))
    (item,) = found(harvester)
    return harvester, item


def names(items: list[Found]) -> list[str]:
    return [item.guid.rpartition("/")[2] for item in items]


def test_packages_without_tables_are_no_loop(catalogue: Catalogue) -> None:
    for name in "abcde":
        tables = [{"name": "x", "path": "x.csv"}] if name == "e" else []
        put(catalogue, f"/p/{name}.json", package(*tables))
    harvester = read(catalogue, [f"{name}.json" for name in "abcde"])
    (page,) = harvester.discover(None)
    assert names(page.items) == ["e.json#x"]


def test_a_list_that_changed_meanwhile_is_read_anew(catalogue: Catalogue) -> None:
    for name in "abc":
        put(catalogue, f"/p/{name}.json", package({"name": "x", "path": "x.csv"}))
    harvester = read(catalogue, ["a.json", "b.json"])
    first, second = harvester.discover(None)
    (again,) = harvester.discover(first.cursor)
    assert (again, second.moved) == (second, False)
    put(catalogue, "/p/datapackage.json", ["c.json", "a.json", "b.json"])
    pages = list(harvester.discover(first.cursor))
    assert [names(page.items) for page in pages] == [["c.json#x"], ["a.json#x"], ["b.json#x"]]
    assert all(page.moved for page in pages)


@pytest.mark.parametrize(
    "more", [{"title": "Другой"}, {"schema": SCHEMA}, {"dialect": {"delimiter": ";"}}, {"licenses": [{"name": "CC0-1.0"}]}]
)
def test_all_that_is_told_of_a_table_is_in_its_hash(catalogue: Catalogue, more: dict[str, Any]) -> None:
    told = {"name": "x", "path": "x.csv", "hash": md5(b"").hexdigest()}
    (before,), (same,) = (found(read(catalogue, package(told))) for _ in range(2))
    (after,), (other,) = found(read(catalogue, package(told | more))), found(read(catalogue, package(told, keywords=["a"])))
    assert before.hash == same.hash
    assert len({before.hash, after.hash, other.hash}) == 3


@pytest.mark.parametrize("more", [{"hash": None}, {"schema": "schema.json"}, {"dialect": "dialect.json"}])
def test_what_may_change_unseen_has_no_hash(catalogue: Catalogue, more: dict[str, Any]) -> None:
    (item,) = found(read(catalogue, package({"name": "x", "path": "x.csv", "hash": md5(b"").hexdigest()} | more)))
    assert item.hash is None


@pytest.mark.parametrize(
    ("told", "is_right"),
    [
        (md5(PLAIN.encode()).hexdigest(), True),
        (f"sha256:{sha256(PLAIN.encode()).hexdigest().upper()}", True),
        (f"SHA512:{sha512(PLAIN.encode()).hexdigest()}", True),
        (md5(b"another").hexdigest(), False),
        (f"sha256:{sha256(b'another').hexdigest()}", False),
        ("klingon:0815", False),
        ("shake_128:0815", False),
    ],
)
def test_the_hash_is_compared_with_the_file(catalogue: Catalogue, tmp_path: Path, told: str, is_right: bool) -> None:
    harvester, item = one(catalogue, {"path": "x.csv", "hash": told}, **{"x.csv": PLAIN})
    answer, table = fetched(harvester, item, tmp_path)
    assert (answer.as_told, table) == (is_right, ROWS)


def test_a_file_that_has_not_its_hash_is_published_and_fetched_again(harvest: Harvest, catalogue: Catalogue) -> None:
    put(catalogue, "/p/x.csv", PLAIN)
    later = PLAIN.replace("640", "650")
    told = package({"name": "x", "path": "x.csv", "hash": f"sha256:{sha256(later.encode()).hexdigest()}"})
    harvest.ready("frictionless", {"address": put(catalogue, "/p/datapackage.json", told)})
    assert all_of(harvest.run(), seen=1, added=1)
    put(catalogue, "/p/x.csv", later)
    assert all_of(harvest.run(), seen=1, changed=1)
    before = len(catalogue.requests("/p/x.csv"))
    assert all_of(harvest.run(), seen=1, unchanged=1)
    assert len(catalogue.requests("/p/x.csv")) == before


def conditional(catalogue: Catalogue, body: str) -> None:
    def answer(handler: Handler) -> None:
        is_same = handler.headers.get("If-None-Match") == '"1"'
        send(handler, 304 if is_same else 200, b"" if is_same else body.encode(), "text/csv", ETag='"1"')

    catalogue.instead["/p/x.csv"] = answer


def test_the_same_bytes_are_read_again_when_they_mean_something_else(catalogue: Catalogue, tmp_path: Path) -> None:
    conditional(catalogue, SCHOOLS)
    harvester, item = one(catalogue, {"path": "x.csv"})
    fetched(harvester, item, tmp_path)
    with pytest.raises(NotChanged):
        harvester.fetch(item, tmp_path / "table")
    put(catalogue, "/p/datapackage.json", package({"name": "x", "path": "x.csv", "dialect": {"delimiter": ";"}}))
    assert rows(harvester, found(harvester)[0], tmp_path) == ROWS


def test_bytes_that_have_not_their_hash_are_asked_for_without_conditions(catalogue: Catalogue, tmp_path: Path) -> None:
    conditional(catalogue, PLAIN)
    harvester, item = one(catalogue, {"path": "x.csv", "hash": "md5:0815"})
    for _ in range(2):
        assert fetched(harvester, item, tmp_path)[0].as_told is False


@pytest.mark.parametrize(
    "resource",
    [
        {"path": "x.csv", "dialect": {"headerRows": [2]}},
        {"path": "x.csv", "dialect": {"commentRows": [1]}},
        {"path": "x.csv", "dialect": {"nullSequence": "-"}},
        {"path": "x.csv", "dialect": {"csv": {"nullSequence": "-"}}},
        {"path": "x.xlsx", "dialect": {"sheetName": "B"}},
        {"path": "x.xlsx", "dialect": {"sheetNumber": 2}},
        {"path": "x.xlsx", "dialect": {"excel": {"sheet": "B"}}},
        {"path": "x.xlsx", "dialect": {"header": False}},
        {"path": "x.xlsx", "encoding": "cp1251"},
        {"path": "x.json", "dialect": {"property": "rows"}},
        {"path": "x.json", "dialect": {"itemKeys": ["a"]}},
        {"path": "x.csv.gz", "dialect": {"delimiter": ";"}},
        {"path": "x.csv.zip", "encoding": "cp1251"},
        {"path": "x.csv", "compression": "gz", "encoding": "cp1251"},
        {"data": [{"a": 1}], "dialect": {"header": False}},
        {"data": "a,b\n1,2\n", "format": "csv"},
        {"path": ["x.xlsx", "x.xlsx"]},
        {"path": ["x.csv", "x.csv.gz"]},
        {"path": ["x.json", "x.json"]},
    ],
)
def test_what_is_not_understood_is_refused(catalogue: Catalogue, tmp_path: Path, resource: dict[str, Any]) -> None:
    catalogue.instead["/p/x."] = lambda handler: send(handler, 200, b"a,b\n1,2\n")
    harvester, item = one(catalogue, resource)
    with pytest.raises(KzError) as caught:
        harvester.fetch(item, tmp_path / "table")
    assert caught.value.code == "harvest.odd_item"


@pytest.mark.parametrize(
    ("dialect", "body", "expected"),
    [
        ({"headerRows": [1], "commentRows": [], "sheetNumber": 1, "nullSequence": ""}, "a,b\n1,2\n", SHORT),
        ({"header": False}, "1,2\n3,4\n", [["field1", "field2"], ["1", "2"], ["3", "4"]]),
        ({"quoteChar": None}, 'a,b\n"1,2\n', [["a", "b"], ['"1', "2"]]),
        ({"commentChar": "#"}, '# "x\na,b\n1,"2\n# no comment\n"\n# y\n', [["a", "b"], ["1", "2\n# no comment\n"]]),
        ({"skipBlankRows": True, "delimiter": ";"}, "a;b\n;\n1;2\n", SHORT),
    ],
)
def test_dialects(catalogue: Catalogue, tmp_path: Path, dialect: dict[str, Any], body: str, expected: list[list[str]]) -> None:
    harvester, item = one(catalogue, {"path": "x.csv", "dialect": dialect}, **{"x.csv": body})
    assert rows(harvester, item, tmp_path) == expected


def test_a_tsv_keeps_its_delimiter(catalogue: Catalogue, tmp_path: Path) -> None:
    harvester, item = one(catalogue, {"path": "x.tsv", "encoding": "cp1251"}, **{"x.tsv": "а\tб\n1\t2\n".encode("cp1251")})
    assert rows(harvester, item, tmp_path) == [["а", "б"], ["1", "2"]]


@pytest.mark.parametrize(("encoding", "written"), [("utf-16-le", "utf-16-le"), ("utf-16", "utf-16"), ("cp1251", "utf-8-sig")])
def test_encodings(catalogue: Catalogue, tmp_path: Path, encoding: str, written: str) -> None:
    harvester, item = one(catalogue, {"path": "x.csv", "encoding": encoding}, **{"x.csv": "a,b\n1,2\n".encode(written)})
    assert rows(harvester, item, tmp_path) == SHORT


@pytest.mark.parametrize("more", [{}, {"dialect": {"delimiter": ","}}, {"encoding": "utf-8"}])
def test_parts_may_repeat_the_header_and_each_have_their_mark(
    catalogue: Catalogue, tmp_path: Path, more: dict[str, Any]
) -> None:
    parts = {"1.csv": b"\xef\xbb\xbfa,b\r\n1,2", "2.csv": b"\xef\xbb\xbfa,b\n3,4\na,b\n", "3.csv": b"5,6\n"}
    harvester, item = one(catalogue, {"path": list(parts), **more}, **parts)
    assert rows(harvester, item, tmp_path) == [*SHORT, ["3", "4"], ["a", "b"], ["5", "6"]]


def test_a_part_that_has_changed_is_seen_behind_one_that_has_not(catalogue: Catalogue, tmp_path: Path) -> None:
    conditional(catalogue, "a,b\n1,2\n")
    harvester, item = one(catalogue, {"path": ["x.csv", "2.csv"]}, **{"2.csv": "3,4\n"})
    rows(harvester, item, tmp_path)
    put(catalogue, "/p/2.csv", "5,6\n")
    assert rows(harvester, item, tmp_path)[2:] == [["5", "6"]]


def test_parts_together_are_as_large_as_one_answer_may_be(catalogue: Catalogue, tmp_path: Path) -> None:
    put(catalogue, "/p/x.csv", "a,b\n" + "1,2\n" * 400)
    address = put(catalogue, "/p/datapackage.json", package({"name": "x", "path": ["x.csv"] * 10}))
    harvester = alone("frictionless", {"address": address}, received=10_000, unpacked=10_000)
    with pytest.raises(KzError) as caught:
        harvester.fetch(found(harvester)[0], tmp_path / "table")
    assert caught.value.code == "client.too_large"


def test_a_package_with_packages_keeps_its_own_tables(catalogue: Catalogue) -> None:
    put(catalogue, "/p/sub/datapackage.json", package({"name": "y", "path": "y.csv"}))
    told = package({"name": "x", "path": "x.csv"}, {"name": "sub", "path": "sub/datapackage.json"})
    assert [item.guid.partition("/p/")[2] for item in found(read(catalogue, told))] == [
        "datapackage.json#x",
        "sub/datapackage.json#y",
    ]


def test_a_table_without_a_name_has_that_of_its_file(catalogue: Catalogue) -> None:
    told = package({"path": "data/a.csv?key=1"}, {"path": ["b.csv.gz", "c.csv"], "format": "csv"}, {"data": [{"a": 1}]})
    assert names(found(read(catalogue, told))) == ["datapackage.json#a", "datapackage.json#b.csv", "datapackage.json#table-3"]


@pytest.mark.parametrize("second", [{"name": "x", "path": "y.csv"}, {"path": "other/x.csv"}])
def test_two_tables_of_one_name_are_refused(catalogue: Catalogue, second: dict[str, Any]) -> None:
    with pytest.raises(KzError) as caught:
        found(read(catalogue, package({"name": "x", "path": "x.csv"}, second)))
    assert caught.value.code == "harvest.odd_list"


def test_a_key_in_the_address_is_not_in_the_name(catalogue: Catalogue, tmp_path: Path) -> None:
    put(catalogue, "/p/x.csv", PLAIN)
    harvester = read(catalogue, package({"name": "x", "path": "x.csv"}), "/p/datapackage.json?token=secret")
    (item,) = found(harvester)
    assert item.guid == f"{catalogue.url}/p/datapackage.json#x"
    assert rows(harvester, item, tmp_path) == ROWS


def test_packages_that_are_told_apart_by_their_query_only_are_refused(catalogue: Catalogue) -> None:
    with pytest.raises(KzError) as caught:
        found(read(catalogue, ["/package?id=1", "/package?id=2"]))
    assert caught.value.code == "harvest.odd_list"


def test_packages_in_packages_in_packages_are_refused(catalogue: Catalogue) -> None:
    put(catalogue, "/p/sub/datapackage.json", package({"name": "deep", "path": "deep/datapackage.json"}))
    (item,) = found(read(catalogue, package({"name": "sub", "path": "sub/datapackage.json"})))
    assert (item.error and item.error.code) == "harvest.odd_list"
