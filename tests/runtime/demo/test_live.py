"""Against a whole portal: loading again changes nothing; removing takes the demonstration and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from ckanext.kzopen.runtime.demo import remove
from ckanext.kzopen.runtime.demo.api import Api, Refused
from ckanext.kzopen.runtime.demo.catalogue import agencies, data_sets
from ckanext.kzopen.runtime.demo.command import demo
from ckanext.kzopen.runtime.demo.load import load_demo
from ckanext.kzopen.runtime.demo.loading import Item, bring
from click.testing import CliRunner

from tests.conftest import LivePortal


@pytest.fixture
def api(live_portal: LivePortal) -> Iterator[Api]:
    with Api(live_portal.url, live_portal.accounts["operator"]["token"]) as spoken:
        yield spoken


@pytest.fixture
def undisturbed(live_portal: LivePortal, api: Api) -> None:
    """The demonstration alone: what other tests published under its agencies on the shared portal is gone."""
    load_demo(live_portal.url, live_portal.accounts["operator"]["token"])
    ours = {entry.uri for entry in data_sets()}
    for agency in agencies():
        query = {"fq": f"organization:{agency.name}", "include_private": True, "include_drafts": True, "rows": 1000}
        for name in {package["name"] for package in api.action("package_search", **query)["results"]} - ours:
            api.action("dataset_purge", id=name)


def command(live_portal: LivePortal, *arguments: str) -> str:
    done = CliRunner().invoke(demo, [*arguments, "--url", live_portal.url, "--data", str(live_portal.data)])
    assert done.exit_code == 0, done.output
    return done.output


def versions(api: Api) -> dict[str, tuple[int, str]]:
    found = {entry.uri: api.data_set(entry.uri) for entry in data_sets()}
    return {uri: (told["version"]["number"], told["version"]["created"]) for uri, told in found.items() if told}


def test_loading_again_makes_no_version_and_changes_no_package(live_portal: LivePortal, api: Api):
    load_demo(live_portal.url, live_portal.accounts["operator"]["token"])
    before = versions(api), api.action("package_show", id="demo-rivers")["metadata_modified"]
    summary = load_demo(live_portal.url, live_portal.accounts["operator"]["token"])
    assert summary.counts == {"unchanged": 40}
    assert (versions(api), api.action("package_show", id="demo-rivers")["metadata_modified"]) == before


def test_the_rows_are_those_of_the_file_and_codes_keep_their_zeros(live_portal: LivePortal, api: Api):
    load_demo(live_portal.url, live_portal.accounts["operator"]["token"])
    resource = api.action("package_show", id="demo-vehicle-plates")["resources"][0]["id"]
    rows = api.action("datastore_search", resource_id=resource, sort="plate_code", limit=2)
    assert rows["total"] == 20
    assert [(row["plate_code"], row["region_kk"], row["phone_code"]) for row in rows["records"]] == [
        ("01", "Астана қаласы", "7172"),
        ("02", "Алматы қаласы", "727"),
    ]


def test_an_agency_has_its_names_in_three_languages_and_its_parent(live_portal: LivePortal, api: Api):
    load_demo(live_portal.url, live_portal.accounts["operator"]["token"])
    committee = api.action("organization_show", id="demo-geography")
    extras = {extra["key"]: extra["value"] for extra in committee["extras"]}
    assert "Комитет географии" in extras["title_translated"]
    assert [group["name"] for group in committee["groups"]] == ["demo-ministry"]


def test_an_empty_portal_is_told_from_a_full_one(live_portal: LivePortal):
    load_demo(live_portal.url, live_portal.accounts["operator"]["token"])
    assert "nothing was loaded" in command(live_portal, "load", "--if-empty")


def test_a_passport_without_columns_takes_no_rows_but_can_be_read(live_portal: LivePortal, api: Api):
    load_demo(live_portal.url, live_portal.accounts["operator"]["token"])
    words = {"kk": "Бағансыз", "ru": "Без столбцов"}
    passport = {"title": words, "description": words, "owner": "demo-szh", "category": "governance"}
    item = Item("trial-no-columns", passport | {"periodicity": "AS_NEEDED", "schema": {"fields": []}})
    try:
        assert bring(api, item).end == "loaded"
        assert bring(api, item).end == "unchanged"
        with pytest.raises(Refused, match="not described"):
            api.post_rows("trial-no-columns", b"a\n1\n", "text/csv", "key", "a.csv")
    finally:
        api.action("dataset_purge", id="trial-no-columns")


@pytest.mark.usefixtures("undisturbed")
def test_what_would_be_removed_is_shown_first_and_one_data_set_goes_and_comes(live_portal: LivePortal, api: Api):
    api.action("package_create", name="trial-own", owner_org="demo-kolbulak", title_translated={"kk": "Өзіміздікі"})
    try:
        said = command(live_portal, "remove")
        assert "nothing was removed (40 data sets, 4 organisations)" in said
        assert "keeps demo-kolbulak: owns trial-own, which is not demonstration content" in said
        assert "keeps demo-sarydala: stands above demo-kolbulak" in said
        planned = remove.plan(api)
        assert sorted(planned.data_sets) == sorted(entry.uri for entry in data_sets())
        remove.carry_out(api, replace(planned, data_sets=["demo-rivers"], organisations=[]))
        assert [entry.uri for entry in data_sets() if not api.data_set(entry.uri)] == ["demo-rivers"]
        assert api.action("package_show", id="trial-own")["owner_org"]
    finally:
        api.action("dataset_purge", id="trial-own")
    assert "1 loaded" in command(live_portal, "load")
    assert versions(api)["demo-rivers"][0] == 1


@pytest.mark.long
@pytest.mark.usefixtures("undisturbed")
def test_removing_shows_first_and_takes_only_the_demonstration(live_portal: LivePortal, api: Api):
    api.action("package_create", name="trial-own", owner_org="demo-kolbulak", title_translated={"kk": "Өзіміздікі"})
    try:
        assert "nothing was removed (40 data sets, 4 organisations)" in command(live_portal, "remove")
        assert api.data_set("demo-rivers") is not None
        said = command(live_portal, "remove", "--commit")
        assert "keeps demo-kolbulak: owns trial-own, which is not demonstration content" in said
        assert "keeps demo-sarydala: stands above demo-kolbulak" in said
        assert "removed: 40 data sets, 4 organisations" in said
        assert [entry.uri for entry in data_sets() if api.data_set(entry.uri)] == []
        assert api.action("package_show", id="trial-own")["owner_org"]
    finally:
        api.action("dataset_purge", id="trial-own")
    assert "nothing was loaded" in command(live_portal, "load", "--if-empty")
    assert remove.plan(api).organisations == ["demo-kolbulak", "demo-sarydala"]
    assert "40 loaded" in command(live_portal, "load")
    assert {number for number, _ in versions(api).values()} == {1}
    assert len(agencies()) == 6
