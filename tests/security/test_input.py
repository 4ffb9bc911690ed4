"""What people write is shown as they wrote it and never run; what programs send is taken by name or not at all."""

from __future__ import annotations

import io
import json
import resource
import time
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from ckan import model

from tests.publishing.conftest import passport
from tests.security.requests import HERE, ask, told
from tests.security.world import World

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "[link](javascript:alert(1))",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "</title><script>alert(1)</script>",
    "{{ 7*7 }}${7*7}",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
)
LIVE = (
    "<script>alert(1)",
    "<img src=x",
    "<svg/onload",
    "<iframe srcdoc",
    'href="javascript:',
    "href='javascript:",
    "data:text/html,<",
)
ALIEN = ("id", "sysadmin", "state", "owner_org", "created", "package_id", "resource_id", "private")


def put(world: World, uri: str, body: dict[str, Any]) -> Any:
    return world.api("editor").put(uri, body)


@pytest.mark.parametrize("field", ALIEN)
def test_a_passport_takes_no_field_that_it_does_not_have(world: World, field: str) -> None:
    uri = f"assigned-{uuid4().hex[:8]}"
    answer = put(world, uri, {**passport(world.agency_name), field: world.datasets["private"].id})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert model.Package.get(uri) is None


@pytest.mark.parametrize("place", ["responsible", "title"])
def test_no_part_of_a_passport_takes_a_field_that_it_does_not_have(world: World, place: str) -> None:
    told_ = passport(world.agency_name)
    told_[place] = {**told_[place], "sysadmin": True}
    answer = put(world, f"assigned-{uuid4().hex[:8]}", told_)
    assert answer.status_code == 400, answer.json


def test_the_form_of_a_passport_takes_no_field_that_it_does_not_have(world: World) -> None:
    dataset = world.datasets["public"]
    before = world.fingerprint()
    given = {"id": "x", "state": "deleted", "owner_org": world.other_agency, "private": "true", "sysadmin": "true"}
    ask(world, "editor", "POST", f"/staff/datasets/{dataset.uri}/edit", data=given)
    assert world.fingerprint() == before


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_titles_descriptions_and_cells_is_shown_as_text(world: World, markup: str) -> None:
    uri = f"markup-{uuid4().hex[:8]}"
    described = passport(
        world.agency_name, fields=[{"name": "a", "type": "string", "title_translated": {"kk": markup}}], key=[]
    )
    described |= {"title": {"kk": markup, "ru": markup}, "description": {"kk": markup, "ru": markup}}
    answer = put(world, uri, described)
    assert answer.status_code == 201, answer.json
    delivery = world.api("editor").delivery(uri, f'a\n"{markup.replace(chr(34), chr(34) * 2)}"\n'.encode())
    assert delivery["state"] == "accepted", delivery
    package = model.Package.get(uri)
    resource_id = package.resources[0].id
    for path in (
        f"/dataset/{uri}",
        f"/dataset/{uri}/resource/{resource_id}",
        f"/organization/{world.agency_name}",
        f"/dataset/?q={uri}",
        f"/staff/datasets/{uri}",
        f"/staff/datasets/{uri}/edit",
        f"/staff/deliveries/{delivery['id']}",
    ):
        answer = ask(world, "editor", "GET", path)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200, path
        found = [sign for sign in LIVE if sign in text]
        assert not found, f"{path}: {found}"
        assert "49$" not in text  # a template in a title is not computed


def test_a_name_of_a_file_with_markup_or_a_path_is_text(world: World) -> None:
    dataset = world.datasets["public"]
    name = '../../../etc/<script>alert(1)</script>".csv'
    part = {"file": (io.BytesIO(b"bin,name,pupils\n000140000012,x,1\n"), name), "mode": "replace", "key": uuid4().hex}
    sent = ask(world, "editor", "POST", f"/staff/datasets/{dataset.uri}/deliveries/new", data=part)
    assert sent.status_code == 302
    answer = ask(world, "editor", "GET", urlsplit(sent.headers["Location"]).path)
    assert answer.status_code == 200
    assert "<script>alert(1)" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("logo.html", b"<html><script>alert(1)</script></html>"),
        ("logo.png", b"<html><script>alert(1)</script></html>"),
        ("logo.png", b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"),
    ],
)
def test_a_picture_that_carries_a_script_is_refused_or_cannot_run_it(world: World, name: str, content: bytes) -> None:
    given = {
        "name": world.agency_name,
        "title": model.Group.get(world.agency).title,
        "image_upload": (io.BytesIO(content), name),
        "save": "",
    }
    path = f"/organization/edit/{world.agency_name}"
    answer = world.browser("administrator").open(path, method="POST", data=given, base_url=HERE, follow_redirects=False)
    assert answer.status_code in (200, 302, 400), told(answer)
    model.Session.remove()
    stored = model.Group.get(world.agency).image_url
    if stored:
        answer = world.browser("anonymous").open(f"/uploads/group/{stored}", base_url=HERE)
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "uri", ["..%2F..%2Fetc%2Fpasswd", "....//....//etc/passwd", "%2e%2e%2f%2e%2e%2fckan.ini", "a" * 100_000, "a%00b"]
)
def test_a_path_in_the_place_of_an_id_finds_nothing(world: World, uri: str) -> None:
    for path in (f"/data/{uri}.csv", f"/data/{uri}/v1.parquet", f"/api/universal/v1/datasets/{uri}", f"/staff/datasets/{uri}"):
        answer = ask(world, "editor", "GET", path)
        text = told(answer)
        assert answer.status_code in (400, 404), path[:80]
        assert "root:" not in text
        assert "SECRET_KEY" not in text


@pytest.mark.parametrize("uri", ["../../x", "..", ".", "a/b", "A b", "a" * 200, "<b>", "new"])
def test_a_data_set_gets_no_name_that_is_a_path(world: World, uri: str) -> None:
    answer = put(world, uri, passport(world.agency_name))
    assert answer.status_code in (400, 404, 405, 409), answer.status_code
    assert model.Package.get(uri) is None


@pytest.mark.parametrize(
    "given",
    [
        {"extras__999999999__key": "x"},
        {"columns.999999999.name": "x"},
        {f"columns.{number}.name": "x" for number in range(20_000)},
        {"title.kk": "ә" * 2_000_000},
    ],
    ids=["extras", "one far column", "many columns", "a long title"],
)
def test_a_crafted_form_costs_little(world: World, given: dict[str, str]) -> None:
    """CVE-2023-50248: one number in the name of a field made CKAN fill the memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    for path in ("/staff/datasets/new", "/dataset/new"):
        answer = ask(world, "editor", "POST", path, data=given)
        assert answer.status_code in (200, 302, 400, 413), answer.status_code
    assert time.process_time() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


def test_json_nested_too_deeply_is_refused(world: World) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    api = world.api("editor")
    answer = api.call("PUT", "/datasets/deep-json", data=deep, content_type="application/json")
    assert answer.status_code == 400


def test_a_passport_with_very_many_keys_is_refused(world: World) -> None:
    body = {**passport(world.agency_name), **{f"key{number}": "x" for number in range(20_000)}}
    answer = world.api("editor").call("PUT", "/datasets/many-keys", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert len(answer.get_data()) < 20_000_000
