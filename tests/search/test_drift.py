"""What changes a package behind CKAN's back changes its document too: found, shown and checked as it is in the database."""

from __future__ import annotations

import json
import uuid
from typing import Any

import ckan.model as model
import pytest
from ckan.lib import search
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.kzopen.search import rebuild
from sqlalchemy import text

from tests.search.conftest import until

pytestmark = pytest.mark.usefixtures("with_plugins")


@pytest.fixture
def organization() -> dict[str, Any]:
    return factories.Organization(title="Before")


@pytest.fixture
def dataset(organization: dict[str, Any]) -> dict[str, Any]:
    return make_dataset(organization)


def make_dataset(organization: dict[str, Any], **fields: Any) -> dict[str, Any]:
    name = f"drift-{uuid.uuid4().hex}"
    passport = {"title_translated": {"kk": name, "ru": name}, "name": name, "owner_org": organization["id"]}
    given = {"category": "economy", "periodicity": "YEARLY", "responsible_email": "a@example.org"}
    return call_action("package_create", context={"user": admin()}, **passport, **given, **fields)


def admin() -> str:
    return call_action("get_site_user", context={"ignore_auth": True})["name"]


def found(query: str) -> list[str]:
    return [one["name"] for one in call_action("package_search", fq=query, include_private=True)["results"]]


def stored(dataset: dict[str, Any]) -> dict[str, Any]:
    return call_action("package_show", id=dataset["id"])


@pytest.mark.parametrize("fields", ["validated_data_dict,name", "id,validated_data_dict"])
def test_whoever_names_fields_is_given_package_dicts_as_text(app: Any, dataset: dict[str, Any], fields: str) -> None:
    answer = app.get(f"/api/3/action/package_search?fq=id:{dataset['id']}&fl={fields}")
    (shown,) = answer.json["result"]["results"]
    assert json.loads(shown["validated_data_dict"])["name"] == dataset["name"]


def test_a_new_data_set_is_found_and_shown(dataset: dict[str, Any]) -> None:
    assert found(f'name:"{dataset["name"]}"') == [dataset["name"]]
    assert stored(dataset)["organization"]["title"] == "Before"


def test_a_renamed_organisation_is_renamed_in_its_data_sets(organization: dict[str, Any], dataset: dict[str, Any]) -> None:
    renamed = f"{organization['name']}-2"
    call_action("organization_patch", context={"user": admin()}, id=organization["id"], title="After", name=renamed)
    assert stored(dataset)["organization"]["title"] == "After"
    assert found(f'organization:"{renamed}"') == [dataset["name"]]
    assert found(f'organization:"{organization["name"]}"') == []


def test_a_deleted_group_leaves_its_data_sets(dataset: dict[str, Any]) -> None:
    group = factories.Group()
    member = {"id": group["id"], "object": dataset["id"], "object_type": "package", "capacity": "public"}
    call_action("member_create", context={"user": admin()}, **member)
    assert found(f'groups:"{group["name"]}"') == [dataset["name"]]
    call_action("group_delete", context={"user": admin()}, id=group["id"])
    assert found(f'groups:"{group["name"]}"') == []
    assert stored(dataset)["groups"] == []


def test_a_new_owner_is_the_owner_in_search(dataset: dict[str, Any]) -> None:
    other = factories.Organization(title="Other")
    call_action("package_owner_org_update", context={"user": admin()}, id=dataset["id"], organization_id=other["id"])
    assert found(f'owner_org:"{other["id"]}"') == [dataset["name"]]
    assert stored(dataset)["organization"]["title"] == "Other"


def test_a_change_by_the_model_alone_is_indexed(dataset: dict[str, Any]) -> None:
    package = model.Package.get(dataset["id"])
    assert package is not None
    package.version = "seven"
    model.Session.commit()
    assert found('version:"seven" +name:"' + dataset["name"] + '"') == [dataset["name"]]


def test_a_deleted_tag_is_gone_from_search(organization: dict[str, Any]) -> None:
    tag = f"tag-{uuid.uuid4().hex}"
    dataset = make_dataset(organization, tags=[{"name": tag}])
    assert found(f'tags:"{tag}"') == [dataset["name"]]
    call_action("tag_delete", context={"user": admin()}, id=tag)
    model.Session.rollback()
    assert found(f'tags:"{tag}"') == []


def test_a_purged_data_set_is_gone(dataset: dict[str, Any]) -> None:
    call_action("dataset_purge", context={"user": admin()}, id=dataset["name"])
    assert found(f'name:"{dataset["name"]}"') == []


def test_a_rolled_back_change_is_not_found(dataset: dict[str, Any]) -> None:
    package = model.Package.get(dataset["id"])
    assert package is not None
    package.version = "never"
    model.Session.flush()
    model.Session.rollback()
    assert found('version:"never"') == []


def test_a_savepoint_that_is_undone_leaves_no_document_behind(dataset: dict[str, Any]) -> None:
    package = model.Package.get(dataset["id"])
    assert package is not None
    package.version = "kept"
    savepoint = model.Session.begin_nested()
    package.author = "undone"
    search.index_for("package").update_dict(_both(dataset["id"]))
    savepoint.rollback()
    model.Session.commit()
    assert (stored(dataset)["version"], stored(dataset)["author"]) == ("kept", dataset["author"])
    assert found('author:undone +name:"' + dataset["name"] + '"') == []


def _both(package_id: str) -> dict[str, Any]:
    from ckan import logic

    default, custom = logic.package_show_default_and_custom_schemas({"ignore_auth": True}, package_id)
    return dict(default, with_custom_schema=custom)


def test_many_data_sets_of_a_renamed_organisation_are_left_to_the_background(
    organization: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckanext.kzopen.search import recompute

    monkeypatch.setattr(recompute, "AT_ONCE", 1)
    sets = [make_dataset(organization) for _ in range(2)]
    call_action("organization_patch", context={"user": admin()}, id=organization["id"], title="Later")
    recompute.drain()
    until(lambda: {stored(one)["organization"]["title"] for one in sets} == {"Later"})


def test_the_check_sees_raw_sql_and_repair_mends_it(dataset: dict[str, Any]) -> None:
    model.Session.execute(text("UPDATE package SET version = 'raw' WHERE id = :id"), {"id": dataset["id"]})
    model.Session.commit()
    broken = rebuild.full_check(recompute_all=True)
    assert dataset["id"] in broken.stale_packages
    rebuild.repair(broken)
    assert dataset["id"] not in rebuild.full_check(recompute_all=True).stale_packages
    assert found('version:"raw" +name:"' + dataset["name"] + '"') == [dataset["name"]]


def test_the_check_is_clean_after_all_this(dataset: dict[str, Any]) -> None:
    found_now = rebuild.full_check(recompute_all=True)
    assert (found_now.different, found_now.missing, found_now.surplus) == ((), (), ())
    assert dataset["id"] not in found_now.stale_packages


def test_a_document_that_cannot_be_computed_now_is_computed_later(
    organization: dict[str, Any], dataset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckanext.kzopen.search import recompute

    def broken(_package_id: str) -> None:
        raise RuntimeError("a plugin is broken")

    with monkeypatch.context() as patch:
        patch.setattr(recompute, "document", broken)
        call_action("organization_patch", context={"user": admin()}, id=organization["id"], title="Patient")
    assert stored(dataset)["organization"]["title"] == "Before"
    recompute.drain()
    until(lambda: stored(dataset)["organization"]["title"] == "Patient")
