"""What is wrong with a source: our sentences in three languages, each at its field, all together, here and in the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from ckan.plugins import toolkit as tk
from ckan.tests.helpers import CKANTestApp

from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue
from tests.publishing.harvest.test_pages import HERE, browser, read

WRONG = {
    "kind": "json_api",
    "setting-address": "foo",
    "setting-size": "x",
    "setting-first_page": "",
    "setting-records": "$[*]]",
    "setting-columns": "name = $[",
    "setting-paging": "sideways",
    "prefix": "Стат",
    "pause": "99",
    "threshold": "абв",
    "schedule": "daily",
    "name": "Ы",
}
SENTENCES = {
    "kk": {
        "title": "Бұл өрісті толтыру керек.",
        "name": "Атау 2–60 таңбадан тұрады – кіші латын әріптері, цифрлар, «-» және «_».",
        "agency": "Иесін тізімнен таңдаңыз.",
        "setting-address": "Мекенжай http:// немесе https:// деп басталуы керек.",
        "setting-size": "Бүтін сан жазыңыз.",
        "setting-records": "«$[*]]» жолын (JSONPath) оқу мүмкін емес: 5-таңба түсініксіз.",
        "setting-columns": "«$[» жолы (JSONPath) аяқталмаған: соңында бірдеңе жетіспейді.",
        "setting-paging": "Мәнді тізімнен таңдаңыз: none, page, offset, cursor, next, link.",
        "prefix": "Тек латынның кіші әріптері, цифрлар, «-» және «_» жазылады, ең көбі 40 таңба.",
        "pause": "Сан 0–60 аралығында болуы керек.",
        "threshold": "Сан жазыңыз.",
        "schedule": (
            "Жинау уақыты «daily» түсініксіз: бес өріс керек, мысалы «30 2 * * *» – күн сайын сағат 02:30-да (Астана уақыты)."
        ),
    },
    "ru": {
        "setting-address": "Адрес должен начинаться с http:// или https://.",
        "setting-size": "Введите целое число.",
        "setting-records": "Путь «$[*]]» (JSONPath) не читается: непонятен знак 5.",
        "setting-columns": "Путь «$[» (JSONPath) не закончен: в конце чего-то не хватает.",
        "pause": "Введите число от 0 до 60.",
        "threshold": "Введите число.",
        "agency": "Выберите владельца из списка.",
    },
    "en": {
        "setting-address": "The address must begin with http:// or https://.",
        "setting-size": "Write a whole number.",
        "pause": "Write a number between 0 and 60.",
        "threshold": "Write a number.",
    },
}


def form_of(page: str) -> Tag:
    found = BeautifulSoup(page, "html.parser").select_one("form:has([name=kind])")
    assert found is not None
    return found


def told(form: Tag) -> dict[str, str]:
    """The sentence that each marked field is described by."""
    fields = form.select("[aria-invalid=true]")
    errors = {str(field["name"]): str(field["aria-describedby"]).split()[-1] for field in fields}
    return {name: form.select_one(f"[id='{number}']").text for name, number in errors.items()}  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_each_mistake_of_the_form_stands_at_its_field(harvest: Harvest, language: str) -> None:
    answer = browser(harvest).post(f"/{language}/staff/harvest/new", data=WRONG, base_url=HERE)
    found = told(form_of(answer.data.decode()))
    assert found.items() >= SENTENCES[language].items()
    assert found.keys() == SENTENCES["kk"].keys()
    assert 'role="alert"' in answer.data.decode()
    assert not re.search(r"Input should|Value error|Field required|String should", answer.data.decode())


def test_what_was_typed_stays_in_the_form(harvest: Harvest) -> None:
    form = form_of(browser(harvest).post("/kk/staff/harvest/new", data=WRONG, base_url=HERE).data.decode())
    typed = {str(field["name"]): field.get("value") for field in form.select("input[name]")}
    assert typed.items() >= {"setting-address": "foo", "setting-size": "x", "threshold": "абв"}.items()


def test_an_empty_form_says_what_must_be_filled_in(harvest: Harvest) -> None:
    answer = browser(harvest).post("/ru/staff/harvest/new", data={"kind": "sql"}, base_url=HERE)
    found = told(form_of(answer.data.decode()))
    assert {name for name, text in found.items() if text == "Это поле нужно заполнить."} == {
        "title",
        "setting-address",
        "setting-query",
        "setting-name",
    }
    query = {"kind": "sql", "setting-query": "DROP TABLE x"}
    answer = browser(harvest).post("/ru/staff/harvest/new", data=query, base_url=HERE)
    assert told(form_of(answer.data.decode()))["setting-query"] == "Запрос должен начинаться со слова SELECT или WITH."


def test_the_api_tells_one_problem_with_all_places(harvest: Harvest, catalogue: Catalogue) -> None:
    settings = {"address": "foo", "size": 0, "records": "$[", "speed": 1, "columns": []}
    body: dict[str, Any] = {"kind": "json_api", "name": harvest.name, "agency": harvest.agency.name, "settings": settings}
    answer = harvest.post("/sources", **body, defaults={"category": "nonsense"}, threshold=2)
    assert (answer.status_code, answer.json["code"]) == (422, "harvest.bad_settings")
    assert {row["field"]: row["code"] for row in answer.json["errors"]} == {
        "settings.address": "harvest.input_address",
        "settings.size": "harvest.input_between",
        "settings.records": "harvest.input_path_end",
        "settings.speed": "publishing.input_unknown_key",
        "settings.columns": "publishing.input_value",
        "defaults.category": "publishing.input_choice",
        "threshold": "harvest.input_between",
    }
    assert all(f"{row['field']}: {row['message']}" in answer.json["detail"] for row in answer.json["errors"])
    lost = harvest.post("/sources", kind="json_api", name=harvest.name, settings=[1])
    assert {row["field"] for row in lost.json["errors"]} == {"agency", "settings"}
    harvest.add("json_api", catalogue.settings())
    changed = harvest.api.call("PUT", f"/sources/{harvest.name}", json={"settings": catalogue.settings(), "threshold": "much"})
    assert [row["field"] for row in changed.json["errors"]] == ["threshold"]


def test_choices_are_called_by_words_and_kept_by_codes(harvest: Harvest, catalogue: Catalogue) -> None:
    client = browser(harvest)
    form = form_of(read(client, "/kk/staff/harvest/new?kind=json_api"))
    options = {
        str(option["value"]): option.text
        for option in form.select("[name=setting-gives] option, [name=setting-paging] option")
    }
    assert options["table"] == "Бір кестенің жолдарын"
    assert options["offset"] == "Бірінші жазбаның реті бойынша"
    assert not options.keys() & set(options.values())
    harvest.add("json_api", catalogue.settings())
    assert harvest.get(f"/sources/{harvest.name}").json["settings"]["gives"] == "catalogue"
    page = BeautifulSoup(read(client, f"/kk/staff/harvest/{harvest.name}"), "html.parser")
    assert "Деректер жиындарының тізімін" in [cell.text for cell in page.select("dl.passport dd")]


def test_the_owner_is_chosen_where_there_is_one_only(harvest: Harvest, app: CKANTestApp) -> None:
    client = browser(harvest)
    chosen = form_of(read(client, "/kk/staff/harvest/new?kind=files")).select("[name=agency] option[selected]")
    assert [option["value"] for option in chosen] == [harvest.agency.name]
    with app.flask_app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True, "user": ""}, {})["name"]
        members = [{"name": harvest.agency.user, "capacity": "admin"}]
        other = {"name": f"{harvest.agency.name}-2", "title": "Басқа", "users": members}
        tk.get_action("organization_create")({"ignore_auth": True, "user": site}, other)
    assert not form_of(read(client, "/kk/staff/harvest/new?kind=files")).select("[name=agency] option[selected]")


def test_a_share_may_have_a_decimal_comma(harvest: Harvest, catalogue: Catalogue) -> None:
    settings = {f"setting-{name}": value for name, value in catalogue.settings().items()} | {"setting-fields": "id = $.id"}
    typed = {"kind": "json_api", "name": harvest.name, "agency": harvest.agency.name, "title": "Т", **settings}
    saved = browser(harvest).post(
        "/kk/staff/harvest/new", data=typed | {"threshold": "0,3", "pause": "1,5"}, base_url=HERE, follow_redirects=False
    )
    assert saved.status_code == 302
    found = harvest.get(f"/sources/{harvest.name}").json
    assert (found["threshold"], found["defaults"]["pause"]) == (0.3, 1.5)
