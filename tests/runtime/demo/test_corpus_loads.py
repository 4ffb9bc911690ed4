"""A folder of real material in a portal: every table that can be one, every passport of the lists; again changes nothing.

The whole corpus goes into a portal of its own; a small folder of the test's goes by the command into the shared one.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.demo.api import Api, Refused
from ckanext.kzopen.runtime.demo.corpus import load_corpus, open_corpus, table_items
from ckanext.kzopen.runtime.demo.portal_lists import FOLDER, LISTS
from click.testing import CliRunner

from tests.conftest import LivePortal, free_port, portal_at

PASSPORTS, TABLES, AGENCIES = 2552, 57, 1446
REFUSED = 43
"""Links without data 4, districts that are out of date 31, files that are no table or may not be shown 8."""
REPEATS = 303
"""Links 285, agencies 18."""
SHOWN_WITHIN = 60.0


def rows_of(api: Api, uris: Iterable[str]) -> dict[str, int]:
    """How many rows each table has in the DataStore, as a reader gets them."""
    return {uri: rows_shown(api, uri) for uri in uris}


def rows_shown(api: Api, uri: str) -> int:
    """The DataStore shows a version a moment after it is accepted."""
    until = time.monotonic() + SHOWN_WITHIN
    while True:
        try:
            resource = api.action("package_show", id=uri)["resources"][0]["id"]
            return int(api.action("datastore_search", resource_id=resource, limit=1)["total"])
        except (IndexError, Refused):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


@pytest.mark.long
@pytest.mark.corpus
@pytest.mark.timeout(3600)
def test_all_of_it_is_found_and_a_second_time_nothing_is_made(corpus: Path, tmp_path: Path) -> None:
    material = open_corpus(corpus)
    tables = [item.uri for item in table_items(material, lambda _outcome: None)]
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        token = portal.accounts["operator"]["token"]
        first = load_corpus(portal.url, token, material)
        again = load_corpus(portal.url, token, material)
        with Api(portal.url, token) as api:
            found = api.action("package_search", rows=0)["count"]
            rows = rows_of(api, tables)
    told = {outcome.name: outcome.rows for outcome in first.outcomes if outcome.name in rows}
    print(first.counts, again.counts, sum(rows.values()))
    assert first.counts == {"loaded": PASSPORTS + TABLES + AGENCIES, "refused": REFUSED, "repeat": REPEATS}
    assert again.counts == {"unchanged": PASSPORTS + TABLES + AGENCIES, "refused": REFUSED, "repeat": REPEATS}
    assert again.ended("refused") == first.ended("refused")
    assert found == PASSPORTS + TABLES
    assert len(rows) == TABLES
    assert [uri for uri, count in rows.items() if count == 0] == []
    assert rows == told


TABLE = "id;name;plan\n1;Кірістер;17543\n2;Шығыстар;13559\n3;Таза;100\n"
OF_TABLE = "budget-republican"
LINKS = {
    "cgo": [("Занятое население", "folder-employed", True), ("Занятое население", "folder-employed", True)],
    "mio": [("Школы", "folder-schools", True)],
    "quasi": [("Услуга", "folder-service", False)],
}
BODIES = {"cgo": ["МФ РК"], "mio": ["Сынақ обл."], "quasi": ["АО «Сынақ»", "АО «Сынақ»"]}
SOURCES = """# Where the files are from
| file | bytes | what | origin | licence | changed |
|---|---|---|---|---|---|
| budgets/Республиканский бюджет.csv | 60 | budget | a test | CC0 | nothing |
| budgets/bound.csv | 60 | budget | a test | GPL-3.0 | nothing |
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder as the corpus is: a table, one under a licence that binds, three lists with a repeat and a service."""
    folder = tmp_path / "material"
    (folder / FOLDER).mkdir(parents=True)
    (folder / "budgets").mkdir()
    (folder / "SOURCES.md").write_text(SOURCES, encoding="utf-8")
    (folder / "budgets" / "Республиканский бюджет.csv").write_text(TABLE, encoding="utf-8")
    (folder / "budgets" / "bound.csv").write_text(TABLE, encoding="utf-8")
    for level, (links, bodies) in LISTS.items():
        with (folder / FOLDER / links).open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Version Name", "Data Link", "Meta Link", "Data Url"])
            for title, uri, has_data in LINKS[level]:
                page = f"https://portal.example.org/view?index={uri}"
                writer.writerow([title, f"https://data.example.org/{uri}" if has_data else "", "", page])
        told = [{"nameRu": name, "nameKk": name, "nameEn": "", "allActualDatasetsCount": 1} for name in BODIES[level]]
        (folder / FOLDER / bodies).write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.fixture
def api(live_portal: LivePortal, small: Path) -> Iterator[Api]:
    """The shared portal; afterwards nothing of the small folder is left in it."""
    with Api(live_portal.url, live_portal.accounts["operator"]["token"]) as spoken:
        yield spoken
        for uri in (OF_TABLE, "folder-employed", "folder-schools"):
            spoken.action("dataset_purge", id=uri)
        for row in open_corpus(small).agencies.rows:
            spoken.action("organization_purge", id=row["address"])


def test_the_command_loads_a_folder_and_tells_what_it_left_out(live_portal: LivePortal, small: Path, api: Api) -> None:
    asked = ["demo", "load", "--from", str(small), "--data", str(live_portal.data), "--url", live_portal.url]
    first, again = (CliRunner().invoke(main, asked) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert rows_of(api, [OF_TABLE]) == {OF_TABLE: 3}
    passports = [api.data_set(uri) for uri in ("folder-employed", "folder-schools")]
    assert [told and (told["title"]["ru"], told["version"]) for told in passports] == [
        ("Занятое население", None),
        ("Школы", None),
    ]
    for said, counts in ((first.output, "6 loaded, "), (again.output, "6 there already, ")):
        lines = [re.sub(r" *[│┃] *", "|", line).strip("|") for line in said.splitlines()]
        assert "budgets/bound.csv|for tests only: GPL-3.0" in lines
        assert "folder-service|the list gives no address of data: a service, not a data set" in lines
        assert "repeats (the first 5 of 2)" in said
        assert "folder-employed|the list names it twice" in lines
        assert "АО «Сынақ»|the list of agencies names it twice" in lines
        assert lines[-1].startswith(f"{counts}2 refused, 2 repeats; 3 rows in ")
