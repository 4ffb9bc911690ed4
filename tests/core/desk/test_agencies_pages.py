"""The pages of agencies: named, moved, added and ended from a day on, with what is to come shown and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record
from ckanext.kzopen.core.agencies import history, names, tree
from ckanext.kzopen.core.agencies import model as agencies
from ckanext.kzopen.core.reorganisation import due

from tests.core.desk.conftest import page, said
from tests.publishing.conftest import Agency, new_agency
from tests.publishing.test_staff_pages import Browser

LATER = agencies.today() + timedelta(days=40)
NAMES = {"name_kk": "Жаңа атау", "name_ru": "Новое название", "name_en": "New name", "short_kk": "ЖА", "short_ru": "НН"}


@pytest.fixture
def operator(app: CKANTestApp) -> Browser:
    """A browser in which an operator of the portal is signed in."""
    user = new_agency(app).user
    person = model.User.get(user)
    assert person is not None
    person.sysadmin = True
    model.Session.commit()
    return Browser(app, user)


def now(agency_id: str) -> Any:
    """The agency as the database has it now."""
    model.Session.rollback()
    model.Session.expire_all()
    return model.Session.get_one(agencies.Agency, agency_id)


def verbs(agency: Agency) -> list[str]:
    return [event.verb for event in record.events(model.Session, kind="agency", object_id=agency.id)]


def test_an_administrator_renames_the_agency_in_three_languages(administrator: Browser, administered: Agency) -> None:
    base = f"/staff/agencies/{administered.name}"
    form = page(administrator.get(f"{base}/rename"))
    assert form.select_one("#f-name_kk")["value"] == "Агентство"  # type: ignore[index]

    answer = administrator.post(f"{base}/rename", data={**NAMES, "reason": "Приказ № 7"})

    assert answer.status_code == 302, answer.data[:2000]
    row = now(administered.id)
    assert (row.name, row.short) == (
        {"kk": "Жаңа атау", "ru": "Новое название", "en": "New name"},
        {"kk": "ЖА", "ru": "НН"},
    )
    shown = said(page(administrator.get(f"/ru{base}")), "#names tbody tr")
    assert "Новое название (НН)" in shown[0]
    assert "Агентство" in shown[1]


def test_a_later_name_is_shown_and_taken_back(administrator: Browser, administered: Agency) -> None:
    base = f"/staff/agencies/{administered.name}"
    administrator.post(f"{base}/rename", data={**NAMES, "since": LATER.isoformat()})
    assert now(administered.id).name == {"kk": "Агентство"}
    assert "Новое название" in " ".join(said(page(administrator.get(f"/ru{base}")), "#coming"))

    administrator.post(f"{base}/rename/cancel")

    assert page(administrator.get(base)).select_one("#coming") is None
    assert names.name_of(model.Session, administered.id, LATER) == {"kk": "Агентство"}
    assert sorted(verbs(administered))[:1] == ["cancel_rename"]
    due.take_effect(model.Session(), LATER)
    assert now(administered.id).name == {"kk": "Агентство"}
    told = page(administrator.client.post(f"/ru{base}/rename/cancel", follow_redirects=True))
    assert "Такого запланированного изменения нет. Оно вступило в силу или уже отменено." in told.get_text()


def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    administrator: Browser, administered: Agency
) -> None:
    path = f"/ru/staff/agencies/{administered.name}/rename"

    soup = page(administrator.post(path, data={**NAMES, "since": "вчера", "reason": "Приказ"}))

    assert said(soup, "#f-since-error") == ["«вчера» – не дата. Напишите её как 2026-03-01."]
    assert [soup.select_one(f"#f-{field}")["value"] for field in ("name_kk", "short_ru", "reason")] == [  # type: ignore[index]
        "Жаңа атау",
        "НН",
        "Приказ",
    ]
    nameless = page(administrator.post(path.replace("/ru/", "/kk/"), data={"reason": "x"}))
    assert said(nameless, "#f-name_kk-error") == ["Атау кем дегенде бір тілде берілуі керек."]


def test_an_agency_is_moved_by_a_part_of_a_name_and_a_choice(
    app: CKANTestApp, operator: Browser, administered: Agency
) -> None:
    above, mark = new_agency(app), uuid4().hex[:8]
    operator.post(f"/staff/agencies/{above.name}/rename", data={"name_ru": f"Министерство {mark}"})
    path = f"/ru/staff/agencies/{administered.name}/move"

    soup = page(operator.post(path, data={"agency": mark, "reason": "Указ"}))

    assert said(soup, "#f-agency-error") == [f"Выберите ниже один из органов, найденных по «{mark}»."]
    assert soup.select_one("#f-reason")["value"] == "Указ"  # type: ignore[index]
    chosen = soup.select_one("input[name=found]")
    assert chosen is not None
    assert operator.post(path, data={"agency": mark, "found": chosen["value"]}).status_code == 302
    assert tree.ancestors(model.Session, administered.id) == (above.id,)
    assert f"Министерство {mark}" in said(page(operator.get(f"/ru/staff/agencies/{administered.name}")), "#places td")


def test_a_later_place_is_shown_and_taken_back(app: CKANTestApp, operator: Browser, administered: Agency) -> None:
    above, base = new_agency(app), f"/staff/agencies/{administered.name}"
    operator.post(f"{base}/move", data={"agency": above.name, "since": LATER.isoformat()})
    assert page(operator.get(base)).select_one("#coming form[action$='/move/cancel']") is not None
    assert tree.ancestors(model.Session, administered.id, LATER) == (above.id,)

    operator.post(f"{base}/move/cancel")

    assert tree.ancestors(model.Session, administered.id, LATER) == ()
    assert "cancel_move" in verbs(administered)


def test_nobody_stands_above_only_where_that_is_marked(app: CKANTestApp, operator: Browser, administered: Agency) -> None:
    above, path = new_agency(app), f"/en/staff/agencies/{administered.name}/move"
    operator.post(path, data={"agency": above.name})

    soup = page(operator.post(path, data={"agency": ""}))

    assert said(soup, "#f-agency-error") == ["Write the agency above, or mark that it answers to nobody."]
    assert now(administered.id).parent == above.id
    assert operator.post(path, data={"nobody": "yes"}).status_code == 302
    assert now(administered.id).parent is None


def test_an_agency_is_not_put_below_itself(operator: Browser, administered: Agency) -> None:
    soup = page(operator.post(f"/en/staff/agencies/{administered.name}/move", data={"agency": administered.name}))

    assert said(soup, "#f-agency-error")[0].startswith("An agency cannot answer to itself")


def test_an_agency_is_not_offered_as_its_own_successor(operator: Browser, administered: Agency) -> None:
    mark, base = uuid4().hex[:8], f"/staff/agencies/{administered.name}"
    operator.post(f"{base}/rename", data={"name_ru": f"Управление {mark}"})
    assert page(operator.get(base)).select_one("#places") is None

    soup = page(operator.post(f"/ru{base}/liquidate", data={"agency": mark, "sure": "yes"}))

    assert said(soup, "#f-agency-error")[0].startswith(f"По «{mark}» не найдено действующего органа.")
    assert soup.select("input[name=found]") == []


def test_an_agency_is_added_below(operator: Browser, administered: Agency) -> None:
    base, address = f"/staff/agencies/{administered.name}", f"below-{uuid4().hex[:8]}"

    wrong = page(operator.post(f"/ru{base}/below", data={**NAMES, "bin": "123", "kind": "company"}))
    assert said(wrong, "#f-bin-error")[0].startswith("«123» не может быть БИН.")
    assert said(wrong, "#f-kind option[selected]") == ["Компания с участием государства"]
    answer = operator.post(f"{base}/below", data={**NAMES, "kind": "company", "address": address})

    assert answer.status_code == 302, answer.data[:2000]
    row = model.Session.query(agencies.Agency).filter_by(address=address).one()
    assert (row.parent, row.kind, row.name["en"]) == (administered.id, "company", "New name")
    assert page(operator.get(base)).select_one(f"a[href$='/staff/agencies/{address}']") is not None


def test_an_agency_ends_only_when_that_is_confirmed(app: CKANTestApp, operator: Browser, administered: Agency) -> None:
    successor, path = new_agency(app), f"/ru/staff/agencies/{administered.name}/liquidate"

    soup = page(operator.post(path, data={"agency": successor.name}))
    assert said(soup, "#f-sure-error") == ["Ликвидация выполняется только после подтверждения."]
    assert soup.select_one("#f-agency")["value"] == successor.name  # type: ignore[index]
    assert now(administered.id).state == "active"
    operator.post(path, data={"agency": successor.name, "sure": "yes", "reason": "Указ"})

    assert (now(administered.id).state, now(administered.id).successor) == ("liquidated", successor.id)
    assert history.agencies_behind(model.Session, successor.id) == {administered.id, successor.id}
    shown = page(operator.get(f"/staff/agencies/{administered.name}"))
    assert shown.select_one(f".notice a[href$='/staff/agencies/{successor.name}']") is not None
    assert shown.select(".staff-actions a") == []


def test_a_planned_end_is_shown_and_taken_back(app: CKANTestApp, operator: Browser, administered: Agency) -> None:
    successor, base = new_agency(app), f"/staff/agencies/{administered.name}"
    operator.post(f"{base}/liquidate", data={"agency": successor.name, "since": LATER.isoformat(), "sure": "yes"})
    assert now(administered.id).liquidated_on == LATER
    assert page(operator.get(base)).select_one("#coming form[action$='/liquidate/cancel']") is not None

    operator.post(f"{base}/liquidate/cancel")

    assert (now(administered.id).liquidated_on, now(administered.id).state) == (None, "active")
    assert page(operator.get(base)).select_one("#coming") is None


def test_who_has_something_needs_a_successor_and_is_told_in_their_language(operator: Browser, administered: Agency) -> None:
    base = f"/staff/agencies/{administered.name}"
    operator.post(f"{base}/below", data={**NAMES, "address": f"below-{uuid4().hex[:8]}"})

    soup = page(operator.post(f"/ru{base}/liquidate", data={"sure": "yes"}))

    assert said(soup, "#f-agency-error")[0].startswith(
        "У органа ещё есть, что передать (наборов данных – 0, подчинённых органов – 1)."
    )


def test_the_list_has_my_agencies_and_finds_them_by_former_names(
    administrator: Browser, administered: Agency, other_agency: Agency
) -> None:
    mark = uuid4().hex[:8]
    path = f"/staff/agencies/{administered.name}/rename"
    administrator.post(path, data={"name_ru": f"Прежнее {mark}", "since": (agencies.today() - timedelta(days=1)).isoformat()})
    administrator.post(path, data={"name_ru": "Нынешнее"})

    assert "Нынешнее" in said(page(administrator.get(f"/ru/staff/agencies?q={mark}")), "tbody th")
    links = page(administrator.get("/staff/agencies")).select("tbody a")
    assert [str(link["href"]).rsplit("/", 1)[1] for link in links] == [administered.name]


DEEDS = ("/rename", "/rename/cancel", "/move", "/move/cancel", "/below", "/liquidate", "/liquidate/cancel")


@pytest.mark.parametrize("deed", DEEDS)
def test_another_agencys_administrator_does_nothing_to_it(app: CKANTestApp, administered: Agency, deed: str) -> None:
    other = Browser(app, new_agency(app, "admin").user)

    assert (
        other.post(f"/staff/agencies/{administered.name}{deed}", data={**NAMES, "sure": "yes", "nobody": "yes"}).status_code
        == 403
    )
    assert other.get(f"/staff/agencies/{administered.name}").status_code == 403


@pytest.mark.parametrize("deed", [deed for deed in DEEDS if not deed.startswith("/rename")])
def test_the_tree_is_changed_by_operators_only(administrator: Browser, administered: Agency, deed: str) -> None:
    answer = administrator.post(f"/staff/agencies/{administered.name}{deed}", data={**NAMES, "sure": "yes", "nobody": "yes"})

    assert answer.status_code == 403
    shown = page(administrator.get(f"/en/staff/agencies/{administered.name}"))
    assert said(shown, ".staff-actions a") == ["Rename"]
