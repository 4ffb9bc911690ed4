"""What is done to agencies by our actions, in the agency, in its dates and in CKAN's organisation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.agencies import history, names, ownership, tree
from ckanext.kzopen.core.agencies.model import today
from ckanext.kzopen.core.people.assignments.change import assign
from ckanext.kzopen.core.people.rights import roles_of
from ckanext.kzopen.core.record import events
from ckanext.kzopen.core.reorganisation import due, jobs, liquidation, staff, sweeping
from ckanext.kzopen.core.reorganisation.helpers import kz_owners_then
from ckanext.kzopen.core.web import KzError
from sqlalchemy import text

from tests.core.agencies.conftest import Make, act, agency

NAME = {"kk": "Су агенттігі", "ru": "Агентство воды", "en": "Water Agency"}


def tomorrow() -> date:
    """Asked for when it is needed: midnight of Astana may come while the tests run."""
    return today() + timedelta(days=1)


def code_of(action: str, /, **given: Any) -> str:
    with pytest.raises(KzError) as caught:
        act(action, **given)
    model.Session.rollback()
    for language in ("kk", "ru", "en"):
        assert caught.value.text(language)
    return caught.value.code


def title_in_ckan(agency_id: str) -> str:
    return str(act("organization_show", id=agency_id)["title"])


def data_set(owner: str) -> str:
    titles = {"kk": "Жиын", "ru": "Набор"}
    return str(act("package_create", name=f"set-{uuid4().hex[:10]}", owner_org=owner, title_translated=titles)["id"])


def test_an_agency_is_made_with_its_organisation(make: Make) -> None:
    top = make("Жоғарғы")
    address = f"su-{uuid4().hex[:8]}"
    made = act("agency_create", title=NAME, address=address, kind="committee", bin="0001 4000 0220", parent=top["name"])
    try:
        assert (made["title"], made["kind"], made["bin"]) == (NAME, "committee", "000140000220")
        assert [each["address"] for each in made["above"]] == [top["name"]]
        organisation = act("organization_show", id=address)
        assert organisation["title"] == NAME["kk"]
        assert [group["name"] for group in organisation["groups"]] == [top["name"]]
        assert made["id"] not in sweeping.differing(model.Session)
    finally:
        act("organization_purge", id=address)


def test_the_history_of_names_comes_with_a_new_agency(make: Make) -> None:
    first = {"title": {"kk": "Ескі"}, "since": "2010-01-01", "until": "2019-06-16"}
    address = f"su-{uuid4().hex[:8]}"
    made = act("agency_create", title=NAME, address=address, names=[first, {"title": NAME, "since": "2019-06-17"}])
    try:
        known = [(name["title"]["kk"], name["since"], name["until"]) for name in made["names"]]
        assert known == [("Ескі", "2010-01-01", "2019-06-16"), (NAME["kk"], "2019-06-17", None)]
        assert names.name_of(model.Session, made["id"], date(2015, 1, 1)) == {"kk": "Ескі"}
    finally:
        act("organization_purge", id=address)


OLD = {"title": {"kk": "Ескі"}, "since": "2010-01-01"}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"title": {}}, "agencies.name_missing"),
    ({"bin": "000140000013"}, "agencies.bin_wrong"),
    ({"kato": "71"}, "agencies.kato_wrong"),
    ({"kind": "castle"}, "agencies.kind_unknown"),
    ({"address": "Үй"}, "agencies.address_wrong"),
    ({"parent": "nobody"}, "agencies.unknown"),
    ({"names": [OLD, {"title": NAME, "since": "2019-01-01"}]}, "agencies.two_open_names"),
    ({"names": [OLD | {"until": "2019-01-01"}, {"title": NAME, "since": "2019-01-01"}]}, "agencies.names_overlap"),
    ({"names": [OLD | {"until": "2018-01-01"}, {"title": NAME, "since": "2019-01-01"}]}, "agencies.names_gap"),
    ({"names": [OLD | {"since": "2010-13-01"}]}, "agencies.date_wrong"),
    ({"colour": "red"}, "agencies.field_wrong"),
]


@pytest.mark.parametrize(("wrong", "code"), WRONG, ids=[code for _, code in WRONG])
def test_a_wrong_new_agency_is_refused(make: Make, wrong: dict[str, Any], code: str) -> None:
    assert code_of("agency_create", **({"title": NAME, "address": "su-never"} | wrong)) == code
    assert model.Group.get("su-never") is None


def test_an_address_or_bin_of_another_agency_is_refused(make: Make) -> None:
    made = make("Бірінші", extras=[{"key": "bin", "value": "000140000377"}])
    assert code_of("agency_create", title=NAME, address=made["name"]) == "agencies.address_taken"
    assert code_of("agency_create", title=NAME, address="su-never", bin="000140000377") == "agencies.bin_taken"


def test_a_rename_today_shows_at_once_and_keeps_the_former_name(make: Make) -> None:
    made = make("Ескі атау")
    act("agency_rename", id=made["id"], title=NAME, short={"kk": "СА"}, reason="Жарлық")
    assert title_in_ckan(made["id"]) == NAME["kk"]
    assert names.short_name_of(model.Session, made["id"]) == NAME | {"kk": "СА"}
    assert names.name_of(model.Session, made["id"], date(2020, 1, 1)) == {"kk": "Ескі атау"}
    last = events(model.Session, kind="agency", object_id=made["id"])[-1]
    assert (last.verb, last.reason, last.new["name_ru"]) == ("rename", "Жарлық", NAME["ru"])


def test_a_later_rename_takes_effect_by_itself(make: Make) -> None:
    made = make("Ескі атау")
    act("agency_rename", id=made["id"], title=NAME, since=tomorrow().isoformat())
    assert title_in_ckan(made["id"]) == "Ескі атау"
    jobs.keep_up()
    assert title_in_ckan(made["id"]) == "Ескі атау"
    assert names.name_of(model.Session, made["id"], tomorrow()) == NAME
    due.take_effect(model.Session, tomorrow())
    assert title_in_ckan(made["id"]) == NAME["kk"]
    assert agency(made["id"]).name == NAME
    assert due.take_effect(model.Session, tomorrow()) == 0


def test_a_rename_before_the_last_or_on_its_day_or_to_the_same_is_refused(make: Make) -> None:
    made = make("Ескі атау")
    assert code_of("agency_rename", id=made["id"], title={"kk": "Ескі атау"}) == "agencies.name_same"
    act("agency_rename", id=made["id"], title=NAME, since=tomorrow().isoformat())
    other = {"kk": "Тағы бір атау"}
    assert code_of("agency_rename", id=made["id"], title=other) == "agencies.before_last_name"
    assert code_of("agency_rename", id=made["id"], title=other, since=tomorrow().isoformat()) == "agencies.name_since_taken"


def test_a_slip_is_mended_without_a_former_name(make: Make) -> None:
    made = make("Су агентігі")
    act("agency_update", id=made["id"], title={"kk": "Су агенттігі"})
    assert title_in_ckan(made["id"]) == "Су агенттігі"
    assert len(names.all_names(model.Session, made["id"])) == 1


def test_an_old_address_leads_to_the_new_one_for_ever(make: Make, app: CKANTestApp) -> None:
    made = make("Ескі атау")
    new = f"new-{uuid4().hex[:8]}"
    act("agency_rename", id=made["id"], title=NAME, address=new)
    client = app.test_client()
    for path in ("/organization/{}", "/ru/organization/{}", "/organization/about/{}"):
        answer = client.get(path.format(made["name"]) + "?page=2", follow_redirects=False)
        assert answer.status_code == 301
        assert answer.headers["Location"].endswith(path.format(new) + "?page=2")
    assert client.get("/organization/nobody-at-all").status_code == 404
    act("organization_patch", id=made["id"], name=made["name"])
    assert client.get(f"/organization/{made['name']}").status_code == 200
    assert client.get(f"/organization/{new}", follow_redirects=False).status_code == 301


def test_an_agency_moves_today_or_on_its_day(make: Make) -> None:
    one, two, low = make("Бір"), make("Екі"), make("Төмен")
    act("agency_move", id=low["id"], parent=one["name"])
    assert tree.ancestors(model.Session, low["id"]) == (one["id"],)
    act("agency_move", id=low["id"], parent=two["name"], since=tomorrow().isoformat())
    assert tree.ancestors(model.Session, low["id"]) == (one["id"],)
    assert tree.ancestors(model.Session, low["id"], tomorrow()) == (two["id"],)
    due.take_effect(model.Session, tomorrow())
    assert [group["name"] for group in act("organization_show", id=low["id"])["groups"]] == [two["name"]]
    assert low["id"] not in sweeping.differing(model.Session)


def test_a_circle_is_refused(make: Make) -> None:
    top, low = make("Жоғары"), make("Төмен")
    act("agency_move", id=low["id"], parent=top["id"])
    assert code_of("agency_move", id=top["id"], parent=low["id"]) == "agencies.circle"
    assert code_of("agency_move", id=top["id"], parent=top["id"]) == "agencies.circle"


@pytest.fixture
def stones() -> Iterator[dict[str, list[str]]]:
    """A section that exists in the tests alone: stones lie with agencies, and go over two at a time."""
    lying: dict[str, list[str]] = {}

    def move(_session: Any, from_agency: str, to_agency: str) -> int:
        mine, taken = lying.get(from_agency, [])[2:], lying.get(from_agency, [])[:2]
        lying[from_agency] = mine
        lying.setdefault(to_agency, []).extend(taken)
        return len(taken)

    ownership.register("stones", move)
    yield lying
    ownership.forget("stones")


def test_everything_registered_goes_over_to_the_successor(make: Make, stones: dict[str, list[str]]) -> None:
    old, new, low = make("Ескі"), make("Жаңа"), make("Төмен")
    act("agency_move", id=low["id"], parent=old["id"])
    package = data_set(old["id"])
    stones[old["id"]] = ["a", "b", "c"]
    told = act("agency_liquidate", id=old["id"], successor=new["name"], reason="Жарлық")
    assert told["went"] == {"data_sets": 1, "members": 1, "stones": 3, "subordinates": 1}
    assert (told["state"], told["successor"]["address"]) == ("liquidated", new["name"])
    assert (stones[old["id"]], stones[new["id"]]) == ([], ["a", "b", "c"])
    shown = act("package_show", id=package)
    assert (shown["owner_org"], shown["organization"]["name"]) == (new["id"], new["name"])
    assert tree.ancestors(model.Session, low["id"]) == (new["id"],)
    assert agency(old["id"]).handed_over is not None
    assert history.agencies_behind(model.Session, new["id"]) == {old["id"], new["id"]}
    found = act("package_search", fq=f"organization:{new['name']}")
    assert [each["id"] for each in found["results"]] == [package]


def test_whose_a_data_set_was_is_known_afterwards(make: Make) -> None:
    old, new = make("Ескі"), make("Жаңа")
    package = data_set(old["id"])
    before = model.Session.execute(text("SELECT clock_timestamp()")).scalar_one()
    model.Session.commit()
    act("agency_liquidate", id=old["id"], successor=new["id"])
    assert history.owner_at(model.Session, "data_set", package, new["id"], before) == old["id"]
    after = model.Session.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert history.owner_at(model.Session, "data_set", package, new["id"], after) == new["id"]


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is another process, which knows nothing of stones; the test does its work."""
    monkeypatch.setattr(liquidation.jobs, "defer", lambda *_given, **_named: None)


@pytest.mark.usefixtures("by_hand")
def test_what_is_too_much_for_the_transaction_goes_over_by_a_job(make: Make, stones: dict[str, list[str]]) -> None:
    old, new = make("Ескі"), make("Жаңа")
    stones[old["id"]] = [str(number) for number in range(9)]
    act("agency_liquidate", id=old["id"], successor=new["id"])
    assert len(stones[old["id"]]) == 3
    assert agency(old["id"]).handed_over is None
    jobs.hand_over(old["id"])
    assert stones[old["id"]] == []
    assert agency(old["id"]).handed_over is not None


def test_a_planned_liquidation_takes_effect_by_itself(make: Make) -> None:
    old, new = make("Ескі"), make("Жаңа")
    package = data_set(old["id"])
    act("agency_liquidate", id=old["id"], successor=new["id"], on=tomorrow().isoformat())
    assert (agency(old["id"]).state, act("package_show", id=package)["owner_org"]) == ("active", old["id"])
    assert code_of("agency_liquidate", id=old["id"], successor=new["id"]) == "agencies.already_planned"
    due.take_effect(model.Session, tomorrow())
    assert (agency(old["id"]).state, act("package_show", id=package)["owner_org"]) == ("liquidated", new["id"])


def test_a_successor_that_was_itself_succeeded_meanwhile_passes_everything_on(make: Make) -> None:
    old, middle, new = make("Ескі"), make("Ортаншы"), make("Жаңа")
    package = data_set(old["id"])
    act("agency_liquidate", id=old["id"], successor=middle["id"], on=tomorrow().isoformat())
    act("agency_liquidate", id=middle["id"], successor=new["id"])
    due.take_effect(model.Session, tomorrow())
    assert act("package_show", id=package)["owner_org"] == new["id"]
    assert history.agencies_behind(model.Session, new["id"]) == {old["id"], middle["id"], new["id"]}


def test_a_planned_liquidation_can_be_taken_back(make: Make) -> None:
    old, new = make("Ескі"), make("Жаңа")
    act("agency_liquidate", id=old["id"], successor=new["id"], on=tomorrow().isoformat())
    act("agency_liquidate", id=old["id"], cancel=True)
    due.take_effect(model.Session, tomorrow())
    assert (agency(old["id"]).state, agency(old["id"]).successor) == ("active", None)


def test_a_wrong_liquidation_is_refused(make: Make) -> None:
    old, new, gone = make("Ескі"), make("Жаңа"), make("Жоқ")
    data_set(old["id"])
    act("agency_liquidate", id=gone["id"], successor=new["id"])
    assert code_of("agency_liquidate", id=old["id"], successor=old["id"]) == "agencies.own_successor"
    assert code_of("agency_liquidate", id=old["id"], successor=gone["id"]) == "agencies.successor_liquidated"
    assert code_of("agency_liquidate", id=old["id"]) == "agencies.successor_needed"
    assert code_of("agency_liquidate", id=old["id"], successor="000140000012") == "agencies.unknown"
    assert code_of("agency_liquidate", id=gone["id"], successor=new["id"]) == "agencies.liquidated"
    assert code_of("agency_rename", id=gone["id"], title=NAME) == "agencies.liquidated"


def test_a_title_that_ckan_changes_after_the_end_mends_the_last_name(make: Make) -> None:
    gone = make("Жоқ")
    act("agency_liquidate", id=gone["id"])
    act("organization_patch", id=gone["id"], title="Жоғалған")
    assert [name.name for name in names.all_names(model.Session, gone["id"])] == [{"kk": "Жоғалған"}]
    assert gone["id"] not in sweeping.differing(model.Session)


def test_a_successor_below_the_liquidated_rises_to_its_place(make: Make) -> None:
    top, old, low = make("Жоғары"), make("Ескі"), make("Төмен")
    act("agency_move", id=old["id"], parent=top["id"])
    act("agency_move", id=low["id"], parent=old["id"])
    act("agency_liquidate", id=old["id"], successor=low["id"])
    assert tree.ancestors(model.Session, low["id"]) == (top["id"],)


def test_roles_go_over_also_those_that_begin_later(make: Make) -> None:
    values = {"email": f"{uuid4().hex}@example.org", "password": "walnut-harbour-velvet"}
    person = act("user_create", name=f"u{uuid4().hex[:8]}", **values)["id"]
    old, new = make("Ескі"), make("Жаңа")
    later = datetime.now(UTC) + timedelta(days=30)
    assign(model.Session, person, "approver", old["id"], "system:tests")
    assign(model.Session, person, "author", old["id"], "system:tests", since=later)
    model.Session.commit()
    act("agency_liquidate", id=old["id"], successor=new["id"])
    held = [(role.role, role.agency) for role in roles_of(person)]
    assert held == [("approver", new["id"])]
    rows = text("SELECT role, since, agency FROM kzopen.assignment WHERE person = :p AND (until IS NULL OR until > since)")
    open_rows = model.Session.execute(rows, {"p": person}).all()
    assert ("author", later, new["id"]) in [tuple(row) for row in open_rows]
    assert staff.members(model.Session, old["id"], new["id"]) == 0


def test_people_who_have_a_place_at_the_successor_keep_that_one(make: Make) -> None:
    values = {"email": f"{uuid4().hex}@example.org", "password": "walnut-harbour-velvet"}
    person = act("user_create", name=f"u{uuid4().hex[:8]}", **values)["name"]
    old = make("Ескі", users=[{"name": person, "capacity": "editor"}])
    new = make("Жаңа", users=[{"name": person, "capacity": "admin"}])
    act("agency_liquidate", id=old["id"], successor=new["id"])
    there = {(user["name"], user["capacity"]) for user in act("organization_show", id=new["id"], include_users=True)["users"]}
    assert (person, "admin") in there
    assert staff.members(model.Session, old["id"], new["id"]) == 0


def found_by(words: str) -> list[str]:
    return [each["id"] for each in act("package_search", q=words)["results"]]


def test_short_and_former_names_of_the_owner_and_of_whom_it_succeeded_find_a_data_set(make: Make) -> None:
    mark = uuid4().hex[:8]
    old, new = make(f"Бұрынғы{mark}"), make("Жаңа")
    package = data_set(old["id"])
    act("agency_rename", id=old["id"], title={"kk": "Басқа"}, short={"ru": f"КР{mark}"})
    for words in (f"бұрынғы{mark}", f"КР{mark}"):
        assert found_by(words) == [package], words
    act("agency_liquidate", id=old["id"], successor=new["id"])
    assert found_by(f"бұрынғы{mark}") == [package]


@pytest.mark.usefixtures("by_hand")
def test_a_step_that_fails_takes_nothing_back_and_the_next_run_goes_on(make: Make, stones: dict[str, list[str]]) -> None:
    old, new = make("Ескі"), make("Жаңа")
    packages = [data_set(old["id"]) for _ in range(3)]
    stones[old["id"]] = [str(number) for number in range(9)]
    act("agency_liquidate", id=old["id"], successor=new["id"])

    def broken(_session: Any, _from: str, _to: str) -> int:
        raise RuntimeError("killed")

    ownership.register("trees", broken)
    try:
        with pytest.raises(RuntimeError, match="killed"):
            jobs.hand_over(old["id"])
    finally:
        ownership.forget("trees")
        model.Session.rollback()
    assert agency(old["id"]).handed_over is None
    jobs.hand_over(old["id"])
    assert agency(old["id"]).handed_over is not None
    assert {act("package_show", id=package)["owner_org"] for package in packages} == {new["id"]}
    assert (stones[old["id"]], len(stones[new["id"]])) == ([], 9)


def test_a_liquidation_that_fails_changes_nothing(make: Make) -> None:
    old, new = make("Ескі"), make("Жаңа")
    package = data_set(old["id"])

    def broken(_session: Any, _from: str, _to: str) -> int:
        raise RuntimeError("killed")

    ownership.register("zebras", broken)
    try:
        with pytest.raises(RuntimeError, match="killed"):
            act("agency_liquidate", id=old["id"], successor=new["id"])
    finally:
        ownership.forget("zebras")
        model.Session.rollback()
    assert (agency(old["id"]).state, act("package_show", id=package)["owner_org"]) == ("active", old["id"])


def test_the_versions_of_a_data_set_keep_the_owner_s_name_of_their_day(make: Make) -> None:
    old, new = make("Ескі"), make("Жаңа")
    package = act("package_show", id=data_set(old["id"]))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    versions = [SimpleNamespace(number=1, created=yesterday), SimpleNamespace(number=2, created=datetime.now(UTC))]
    assert kz_owners_then(package, versions) == {}
    act("agency_rename", id=old["id"], title=NAME)
    assert kz_owners_then(package, versions) == {1: {"kk": "Ескі"}, 2: NAME}
    act("agency_liquidate", id=old["id"], successor=new["id"])
    package = act("package_show", id=package["id"])
    assert kz_owners_then(package, versions) == {1: {"kk": "Ескі"}, 2: NAME}
