"""The tree of agencies and the page of an organisation, as readers without scripts get them."""

from __future__ import annotations

import json
import re
import time
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from sqlalchemy import text

from tests.core.agencies.conftest import Make, act


def page(app: CKANTestApp, path: str) -> str:
    answer = app.test_client().get(path)
    assert answer.status_code == 200, path
    return str(answer.text)


def test_the_tree_shows_who_stands_below_whom(make: Make, app: CKANTestApp) -> None:
    top = make(f"Жоғарғы {uuid4().hex[:6]}")
    low = make("Төменгі", groups=[{"name": top["name"]}])
    found = page(app, f"/organization/tree?q={top['title']}")
    assert f"/organization/{top['name']}" in found
    assert low["name"] not in found
    both = page(app, f"/organization/tree?q={low['name']}")
    assert both.index(top["name"]) < both.rindex(low["name"])


def test_short_and_former_names_and_codes_find_an_agency(make: Make, app: CKANTestApp) -> None:
    mark = uuid4().hex[:6]
    made = make(f"Бұрынғы{mark}", extras=[{"key": "bin", "value": "000140000518"}])
    act("agency_rename", id=made["id"], title={"kk": "Жаңа атау"}, short={"ru": f"КР{mark}"})
    for asked in (f"бұрынғы{mark}", f"кр{mark}", "000140000518"):
        assert made["name"] in page(app, f"/organization/tree?q={asked}"), asked
    assert made["name"] not in page(app, f"/organization/tree?q=бұрынғы{mark} КР{mark}")


@pytest.mark.parametrize(("language", "words"), [("kk", "Бұрынғы атауы"), ("ru", "Прежнее название"), ("en", "Former name")])
def test_the_page_of_an_organisation_tells_former_names_place_codes_and_successor(
    make: Make, app: CKANTestApp, language: str, words: str
) -> None:
    top, new = make("Жоғарғы"), make("Мирасқор")
    made = make("Ескі атау", groups=[{"name": top["name"]}], extras=[{"key": "bin", "value": "000140000588"}])
    act("agency_rename", id=made["id"], title={"kk": "Жаңа атау", "ru": "Новое имя", "en": "New name"})
    act("agency_liquidate", id=made["id"], successor=new["id"])
    shown = page(app, f"/{language}/organization/{made['name']}")
    for part in (words, "Ескі атау", "000140000588", f"/organization/{top['name']}", f"/organization/{new['name']}"):
        assert part in shown
    assert f"/organization/{made['name']}" in page(app, f"/{language}/organization/{new['name']}")


def test_an_error_is_told_in_the_caller_s_language_by_ckan_s_api(make: Make, app: CKANTestApp) -> None:
    answer = app.test_client().get("/api/3/action/agency_show?id=nobody", headers={"Accept-Language": "ru"})
    assert answer.status_code == 404
    assert "Государственного органа «nobody» нет" in answer.json["error"]["message"]
    made = make("Орган")
    answer = app.test_client().get(
        f"/api/3/action/agency_show?id={made['id']}&at=yesterday", headers={"Accept-Language": "kk"}
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (409, ["agencies.date_wrong"])


def test_a_tree_of_1500_agencies_is_shown_quickly(make: Make, app: CKANTestApp) -> None:
    top = make("Жоғарғы")
    insert = """
        INSERT INTO kzopen.agency (id, state, address, name_ru, parent)
        SELECT 'many-' || n, 'active', 'many-' || n, 'Организация ' || n, :top FROM generate_series(1, 1500) n
    """
    model.Session.execute(text(insert), {"top": top["id"]})
    model.Session.commit()
    try:
        page(app, "/organization/tree")
        began = time.perf_counter()
        shown = page(app, "/organization/tree")
        assert time.perf_counter() - began < 2
        assert len(re.findall("/organization/many-", shown)) == 1500
    finally:
        model.Session.execute(text("DELETE FROM kzopen.agency WHERE id LIKE 'many-%'"))
        model.Session.commit()


def test_the_api_s_tree_tells_parents_before_children(make: Make, app: CKANTestApp) -> None:
    top = make("Жоғарғы")
    low = make("Төменгі", groups=[{"name": top["name"]}])
    answer = app.test_client().get(f"/api/3/action/agency_tree?under={top['name']}")
    rows = json.loads(answer.text)["result"]
    assert [(row["id"], row["depth"]) for row in rows] == [(top["id"], 0), (low["id"], 1)]
