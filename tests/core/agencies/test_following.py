"""What CKAN's own actions do to an organisation happens to the agency: nothing drifts."""

from __future__ import annotations

import json
from datetime import date

import pytest
from ckan import model
from ckanext.kzopen.core.agencies import names, tree
from ckanext.kzopen.core.agencies.model import Agency, AgencyName, AgencyParent, today
from ckanext.kzopen.core.record import as_dict, events
from ckanext.kzopen.core.reorganisation import listeners, sweeping
from sqlalchemy import text, update

from tests.core.agencies.conftest import Make, act, agency

WORDS = {"kk": "Қаржы министрлігі", "ru": "Министерство финансов", "en": "Ministry of Finance"}
SHORT = {"kk": "ҚМ", "ru": "МФ", "en": "MoF"}


def extras(**facts: str) -> list[dict[str, str]]:
    told = {"title_translated": WORDS, "short_translated": SHORT}
    texts = {key: json.dumps(words, ensure_ascii=False) for key, words in told.items()}
    return [{"key": key, "value": value} for key, value in (texts | facts).items()]


def told(organisation_id: str) -> dict[str, str]:
    return {extra["key"]: extra["value"] for extra in act("organization_show", id=organisation_id)["extras"]}


def nothing_differs(*ids: str) -> bool:
    return not set(ids) & set(sweeping.differing(model.Session))


def test_an_organisation_of_ckan_is_an_agency(make: Make) -> None:
    made = make(WORDS["kk"], extras=extras(kind="ministry", bin="000140000012", kato="710000000"))
    row = agency(made["id"])
    assert (row.state, row.kind, row.bin, row.kato) == ("active", "ministry", "000140000012", "710000000")
    assert names.name_of(model.Session, made["id"]) == WORDS
    assert names.short_name_of(model.Session, made["id"]) == SHORT
    assert [event.verb for event in events(model.Session, kind="agency", object_id=made["id"])] == ["create"]


def test_a_data_set_that_comes_or_goes_keeps_its_agency_free_for_others(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made, followed = make("Алматы әкімдігі"), []
    monkeypatch.setattr(listeners, "follow", lambda session, ids, actor: followed.extend(ids))
    found = act("package_create", name=f"of-{made['id']}", owner_org=made["id"])
    act("package_patch", id=found["id"], notes="Мектептер")
    act("package_delete", id=found["id"])
    assert followed == []
    act("organization_patch", id=made["id"], title="Астана әкімдігі")
    assert followed == [made["id"]]


def test_an_organisation_with_a_plain_title_has_a_name_and_no_extras(make: Make) -> None:
    made = make("Алматы әкімдігі")
    assert names.name_of(model.Session, made["id"]) == {"kk": "Алматы әкімдігі"}
    assert told(made["id"]) == {}


def test_a_wrong_code_is_not_taken(make: Make) -> None:
    row = agency(make(extras=extras(bin="000140000013", kato="71", kind="castle"))["id"])
    assert (row.bin, row.kato, row.kind) == (None, None, "other")


def test_a_bin_of_another_agency_is_not_taken(make: Make) -> None:
    make(extras=extras(bin="000140000092"))
    assert agency(make(extras=extras(bin="000140000092"))["id"]).bin is None


def test_a_changed_title_is_a_rename_from_today_on(make: Make) -> None:
    made = make(WORDS["kk"], extras=extras())
    act("organization_patch", id=made["id"], title="Қазынашылық министрлігі")
    known = names.all_names(model.Session, made["id"])
    assert [(dict(row.name), row.since) for row in known] == [
        (WORDS, None),
        ({"kk": "Қазынашылық министрлігі"}, today()),
    ]
    assert names.name_of(model.Session, made["id"], date(2020, 1, 1)) == WORDS
    assert json.loads(told(made["id"])["title_translated"]) == {"kk": "Қазынашылық министрлігі"}
    event = as_dict(events(model.Session, kind="agency", object_id=made["id"])[-1])
    assert (event["verb"], event["new"]["effective"]) == ("rename", today().isoformat())
    assert (event["old"]["name_ru"], event["new"]["name_kk"]) == (WORDS["ru"], "Қазынашылық министрлігі")
    assert nothing_differs(made["id"])


def test_changed_translations_are_a_rename_and_change_the_plain_title(make: Make) -> None:
    made = make(WORDS["kk"], extras=extras())
    changed = WORDS | {"kk": "Қаржы агенттігі"}
    texts = [{"key": "title_translated", "value": json.dumps(changed)}]
    act("organization_patch", id=made["id"], extras=texts)
    assert act("organization_show", id=made["id"])["title"] == "Қаржы агенттігі"
    assert names.name_of(model.Session, made["id"]) == changed
    assert names.short_name_of(model.Session, made["id"], date(2020, 1, 1)) == SHORT


def test_an_edit_without_extras_loses_nothing(make: Make) -> None:
    made = make(WORDS["kk"], extras=extras(kind="ministry"))
    act("organization_update", id=made["id"], name=made["name"], title=WORDS["kk"], description="Жаңа сипаттама")
    assert names.name_of(model.Session, made["id"]) == WORDS
    assert told(made["id"])["kind"] == "ministry"
    assert len(names.all_names(model.Session, made["id"])) == 1


def test_the_parent_of_ckan_is_the_place_in_the_tree(make: Make) -> None:
    top, other = make("Жоғарғы"), make("Басқа")
    below = make("Төменгі", groups=[{"name": top["name"]}])
    assert tree.subordinates(model.Session, top["id"]) == {top["id"], below["id"]}
    act("organization_patch", id=below["id"], groups=[{"name": other["name"]}])
    assert tree.ancestors(model.Session, below["id"]) == (other["id"],)
    assert tree.ancestors(model.Session, below["id"], date(2020, 1, 1)) == (top["id"],)
    assert tree.subordinates(model.Session, top["id"], date(2020, 1, 1)) == {top["id"], below["id"]}
    assert nothing_differs(top["id"], other["id"], below["id"])


def test_a_circle_that_ckan_lets_through_is_taken_back(make: Make) -> None:
    top = make("Жоғарғы")
    below = make("Төменгі", groups=[{"name": top["name"]}])
    act("member_create", id=top["id"], object=below["id"], object_type="group", capacity="public")
    assert agency(top["id"]).parent is None
    assert act("organization_show", id=top["id"])["groups"] == []


def test_a_deleted_organisation_leaves_the_tree_and_comes_back(make: Make) -> None:
    top = make("Жоғарғы")
    below = make("Төменгі", groups=[{"name": top["name"]}])
    act("organization_delete", id=below["id"])
    assert agency(below["id"]).state == "removed"
    assert tree.subordinates(model.Session, top["id"]) == {top["id"]}
    act("organization_patch", id=below["id"], state="active")
    assert agency(below["id"]).state == "active"


def test_a_purged_organisation_leaves_only_its_events(make: Make) -> None:
    made = make("Жоқ болады")
    act("organization_purge", id=made["id"])
    model.Session.expire_all()
    assert model.Session.get(Agency, made["id"]) is None
    assert events(model.Session, kind="agency", object_id=made["id"])[-1].old["name_kk"] == "Жоқ болады"


def test_what_raw_sql_did_is_found_by_the_sweep(make: Make) -> None:
    made, purged = make("Бұрынғы"), make("Жоқ болады")
    model.Session.execute(text('UPDATE "group" SET title = :new WHERE id = :id'), {"new": "Жаңа", "id": made["id"]})
    for table, column in (("member", "group_id"), ('"group"', "id")):
        model.Session.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": purged["id"]})
    model.Session.commit()
    assert not nothing_differs(made["id"], purged["id"])
    sweeping.sweep(model.Session)
    assert names.name_of(model.Session, made["id"]) == {"kk": "Жаңа"}
    assert nothing_differs(made["id"], purged["id"])


def test_an_organisation_older_than_the_tables_becomes_an_agency(make: Make) -> None:
    made = make("Ескі ұйым")
    model.Session.execute(text("DELETE FROM kzopen.agency WHERE id = :id"), {"id": made["id"]})
    model.Session.commit()
    sweeping.sweep(model.Session)
    assert names.name_of(model.Session, made["id"]) == {"kk": "Ескі ұйым"}


def test_a_second_rename_of_one_day_replaces_the_first(make: Make) -> None:
    made = make("Бірінші")
    act("organization_patch", id=made["id"], title="Екінші")
    act("organization_patch", id=made["id"], title="Үшінші")
    assert [row.name["kk"] for row in names.all_names(model.Session, made["id"])] == ["Бірінші", "Үшінші"]


def test_a_name_is_asked_for_by_its_day(make: Make) -> None:
    made = make("Бүгінгі")
    names_of_old = {"since": date(2019, 1, 1)}
    model.Session.execute(update(AgencyName).where(AgencyName.agency == made["id"]).values(names_of_old))
    model.Session.add(AgencyName(agency=made["id"], since=date(2022, 3, 1), name_kk="Кейінгі"))
    model.Session.commit()
    days = {date(2018, 1, 1): "Бүгінгі", date(2022, 2, 28): "Бүгінгі", date(2022, 3, 1): "Кейінгі"}
    assert {day: names.name_of(model.Session, made["id"], day)["kk"] for day in days} == days


def test_an_unknown_agency_has_no_name_and_nobody_below(make: Make) -> None:
    assert names.name_of(model.Session, "nobody") == {}
    assert tree.subordinates(model.Session, "nobody") == {"nobody"}
    assert tree.ancestors(model.Session, "nobody") == ()
    assert model.Session.query(AgencyParent).filter(AgencyParent.agency == "nobody").count() == 0
