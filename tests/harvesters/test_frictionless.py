"""Data Packages, as the standard's own library writes them and as people write them by hand."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from frictionless import Detector, Package, Resource, Schema, system
from frictionless.resources import TableResource

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, says

SCHOOLS = "bin;name;pupils\n000140000012;№1 мектеп;640\n000140000092;Гимназия;1210\n"
ROWS = [["bin", "name", "pupils"], ["000140000012", "№1 мектеп", "640"], ["000140000092", "Гимназия", "1210"]]
FIELDS = [{"name": "bin", "type": "string"}, {"name": "name", "type": "string"}, {"name": "pupils", "type": "integer"}]
SCHEMA: dict[str, Any] = {"fields": FIELDS, "primaryKey": "bin"}


def put(catalogue: Catalogue, path: str, body: bytes | str | dict[str, Any] | list[Any]) -> str:
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    catalogue.instead[path] = says(200, data, "application/octet-stream")
    return f"{catalogue.url}{path}"


def package(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "schools", "title": "Школы", "resources": list(resources), **more}


def all_of(run: dict[str, Any], **more: int) -> bool:
    return counts(run) == dict.fromkeys(("seen", "added", "changed", "unchanged", "removed", "failed"), 0) | more


def test_a_package_that_frictionless_wrote(harvest: Harvest, catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "schools.csv").write_text(SCHOOLS)
    resource = Resource(path="schools.csv", basepath=str(tmp_path), name="list", title="Список")
    resource.infer(stats=True)
    resource.schema = Schema.from_descriptor(SCHEMA)
    written = Package(name="schools", title="Школы", resources=[resource])
    address = put(catalogue, "/p/datapackage.json", json.loads(written.to_json()))
    put(catalogue, "/p/schools.csv", SCHOOLS)
    harvest.ready("frictionless", {"address": address})
    run = harvest.run()
    assert all_of(run, seen=1, added=1), harvest.items(run)
    (item,) = harvest.items(run)
    assert harvest.rows(item) == ROWS
    passport = harvest.app.get(f"/api/universal/v1/datasets/{item['uri']}").json
    assert (passport["title"]["ru"], passport["schema"]["primaryKey"]) == ("Список", ["bin"])
    before = len(catalogue.requests("/p/schools.csv"))
    assert all_of(harvest.run(), seen=1, unchanged=1)
    assert len(catalogue.requests("/p/schools.csv")) == before, "its hash says that it is the same"


def test_tables_of_all_kinds_in_one_package(harvest: Harvest, catalogue: Catalogue) -> None:
    header, *rows = SCHOOLS.splitlines(keepends=True)
    put(catalogue, "/p/old.txt", ("# по-старому\n" + "".join(rows)).encode("cp1251"))
    put(catalogue, "/p/a.csv", header.replace(";", ",") + rows[0].replace(";", ","))
    put(catalogue, "/p/b.csv", rows[1].replace(";", ","))
    put(catalogue, "/p/schema.json", SCHEMA)
    put(catalogue, "/p/readme.md", "# readme")
    dialect = {"header": False, "delimiter": ";", "commentChar": "#"}
    elsewhere = [{"fields": "bin", "reference": {"resource": "parts", "fields": "bin"}}]
    told = package(
        {"name": "old", "path": "old.txt", "format": "csv", "encoding": "cp1251", "dialect": dialect, "schema": "schema.json"},
        {"name": "parts", "path": ["a.csv", "b.csv"], "schema": SCHEMA | {"foreignKeys": elsewhere}},
        {"name": "lists", "data": [ROWS[0], *[[*row[:2], int(row[2])] for row in ROWS[1:]]], "schema": SCHEMA},
        {"name": "objects", "data": [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]], "schema": SCHEMA},
        {"name": "csv", "path": f"{catalogue.url}/p/c.csv", "dialect": {"csv": {"delimiter": ";"}}},
        {"name": "readme", "path": "readme.md"},
        contributors=[{"title": "Ерлан Үлгіұлы", "email": "erlan@example.org"}],
    )
    put(catalogue, "/p/c.csv", SCHOOLS)
    harvest.ready("frictionless", {"address": put(catalogue, "/p/datapackage.json", told)})
    run = harvest.run()
    assert all_of(run, seen=5, added=5), harvest.items(run)
    for item in harvest.items(run):
        assert harvest.rows(item) == ROWS, item
    assert all_of(harvest.run(), seen=5, unchanged=5)


def test_a_list_of_packages_in_several_languages(harvest: Harvest, catalogue: Catalogue) -> None:
    put(catalogue, "/data/x.csv", SCHOOLS)
    words = {"": "Schools", "kk": "Мектептер"}
    resource = {"name": "x", "path": "x.csv", "hash": f"sha256:{sha256(SCHOOLS.encode()).hexdigest()}"}
    for name in ("one", "two"):
        put(catalogue, f"/data/{name}.json", {"name": name, "title": words, "resources": [resource]})
    address = put(catalogue, "/packages", ["/data/one.json", {"path": "data/two.json"}])
    harvest.ready("frictionless", {"address": address, "language": "en"})
    run = harvest.run()
    assert all_of(run, seen=2, added=2), harvest.items(run)
    title = harvest.app.get(f"/api/universal/v1/datasets/{harvest.items(run)[0]['uri']}").json["title"]
    assert (title["kk"], title["en"]) == ("Мектептер", "Schools")
    packages = [{"path": f"data/{name}.json", "profile": "data-package"} for name in ("one", "two")]
    put(catalogue, "/packages", {"resources": packages})
    assert all_of(harvest.run(), seen=2, unchanged=2)


@pytest.mark.parametrize(
    ("resource", "error"),
    [
        ({"path": "../secret.csv"}, "harvest.odd_item"),
        ({"path": "/etc/secret.csv"}, "harvest.odd_item"),
        ({"path": "http://10.0.0.1/a.csv"}, "client.refused_address"),
        ({"path": "y.csv", "encoding": "klingon"}, "harvest.odd_item"),
        ({"path": "x.csv", "schema": "none.json"}, "harvest.not_there"),
        ({"path": "x.csv", "schema": {"fields": [{"name": "a"}, {"name": "a"}]}}, "harvest.bad_passport"),
    ],
)
def test_an_odd_resource_fails_alone(harvest: Harvest, catalogue: Catalogue, resource: dict[str, Any], error: str) -> None:
    put(catalogue, "/p/good.csv", SCHOOLS)
    put(catalogue, "/p/x.csv", SCHOOLS)
    put(catalogue, "/p/y.csv", SCHOOLS.encode("cp1251", "replace"))
    told = package({"name": "good", "path": "good.csv"}, {"name": "bad", **resource})
    harvest.add("frictionless", {"address": put(catalogue, "/p/datapackage.json", told)})
    found = {item["guid"].partition("#")[2]: item["error"] for item in harvest.items(harvest.run("preview"))}
    assert found == {"good": None, "bad": error}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"name": "no resources"}', b'{"resources": "none"}', b"17"])
def test_what_is_no_package_fails_the_list(harvest: Harvest, catalogue: Catalogue, body: bytes) -> None:
    harvest.add("frictionless", {"address": put(catalogue, "/p/datapackage.json", body)})
    run = harvest.run("preview")
    assert (run["state"], run["error"]) == (("finished", None) if body == b"[]" else ("failed", run["error"])), run
    assert body == b"[]" or run["error"] in ("harvest.not_json", "harvest.odd_list")


SETS = "catalogue/datasets"
WATER = ("water-basins-lakes", "water-basins-rivers", "water-classes-quality", "water-regulations", "population-main")
FILES = {
    "performance/region_sustainability": {
        "archive/merged_to_normalize.csv": "performance/region_sustainability_indicators.csv",
        "data/final_rating.csv": "performance/region_sustainability_rating.csv",
    },
    f"{SETS}/covid19_kz": {"data/kz.csv": f"{SETS}/covid19_kz_hourly.csv"},
    f"{SETS}/water": {f"data/{name}.csv": f"{SETS}/{name}.csv" for name in WATER},
    f"{SETS}/demographics-kz": {"data/regions-age-sex.csv": f"{SETS}/demographics-kz_regions-age-sex.csv"},
    f"{SETS}/doctors": {"Data/Arzte.csv": f"{SETS}/doctors_by_region.csv"},
}


@pytest.mark.parametrize("name", FILES)
def test_real_packages_are_taken_where_frictionless_calls_them_valid(
    harvest: Harvest, catalogue: Catalogue, corpus: Path, name: str
) -> None:
    """Their files as they are in the corpus; of some the package tells more than what lies there."""
    for path, file in FILES[name].items():
        put(catalogue, f"/p/{path}", (corpus / file).read_bytes())
    told = json.loads((corpus / f"{name}_datapackage.json").read_bytes())
    harvest.add("frictionless", {"address": put(catalogue, "/p/datapackage.json", told)})
    found = {item["guid"].partition("#")[2]: item for item in harvest.items(harvest.run("preview"))}
    assert set(found) == {one["name"] for one in told["resources"]}
    for one in told["resources"]:
        file = FILES[name].get(one["path"])
        expected = "harvest.not_there" if file is None else None if is_valid(one, corpus / file) else "harvest.refused"
        assert found[one["name"]]["error"] == expected, (one["name"], found[one["name"]])


def is_valid(resource: dict[str, Any], file: Path) -> bool:
    """Whether the standard's own library takes the file for what the package says, in whatever order its columns are and
    however their names are capitalised; sizes and hashes are of another day."""
    told = {name: value for name, value in resource.items() if name not in ("name", "bytes", "hash", "encoding")}
    by_name = Detector(schema_sync=True)  # which would also forgive columns that are missing
    with system.use_context(trusted=True):
        table = TableResource.from_descriptor(told | {"name": "table", "path": str(file)}, detector=by_name)
        report = table.validate()
        with table:
            labels = sorted(label.lower() for label in table.header.labels)
    return bool(report.valid) and labels == sorted(one["name"].lower() for one in resource["schema"]["fields"])
