"""`/record`: the page that explains the record and checks a receipt in words."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core.record import Leaf, append, portal
from lxml import html

from tests.core.record.test_log_pages import head, leaf  # noqa: F401 - fixtures

GOOD, BAD = "The receipt holds in every point.", "The receipt does not hold. Keep it: it is evidence."


def words(response: Any) -> str:
    return " ".join(html.fromstring(response.body).text_content().split())


def check(app: Any, receipt: Any, status: int = 200) -> str:
    text = receipt if isinstance(receipt, str) else json.dumps(receipt)
    return words(app.post("/en/record/check", data={"receipt": text}, status=status))


@pytest.mark.parametrize(
    ("language", "said"), [("kk", "Түбіртекті іздеу"), ("ru", "Найти квитанцию"), ("en", "Look up a receipt")]
)
def test_it_explains_and_shows_the_newest_head(app: Any, head: dict[str, Any], language: str, said: str) -> None:  # noqa: F811
    shown = words(app.get(f"/{language}/record" if language != "kk" else "/record"))
    assert said in shown
    assert head["root"] in shown


def test_a_receipt_is_found_by_its_number_and_told_in_words(app: Any, leaf: Leaf, head: dict[str, Any]) -> None:  # noqa: F811
    response = app.get(f"/en/record?number={leaf.id}")
    shown = words(response)
    assert GOOD in shown
    assert "Does not hold" not in shown
    assert leaf.hash.hex() in shown
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        ("abc", 400, "A number looks like 6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11."),
        ("6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11", 404, "The record has no such number."),
    ],
)
def test_a_number_that_leads_nowhere_is_told_and_kept_in_its_field(app: Any, number: str, status: int, said: str) -> None:
    response = app.get(f"/en/record?number={number}", status=status)
    assert said in words(response)
    assert html.fromstring(response.body).xpath("//input[@name='number']/@value") == [number]


def test_a_receipt_that_the_reader_has_is_checked(app: Any, leaf: Leaf, head: dict[str, Any]) -> None:  # noqa: F811
    given = portal.give_receipt(leaf.id)
    assert GOOD in check(app, given)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"leaf": {"text": "other"}}, "Does not hold: The text is the one"),
        ({"proof": []}, "Does not hold: The proof leads"),
        ({"index": 10**9}, "Does not hold: The record is in the log of today"),
        ({"hash": "00" * 32}, "Does not hold: The text is the one"),
    ],
)
def test_a_false_receipt_is_refused_point_by_point(
    app: Any,
    leaf: Leaf,  # noqa: F811
    head: dict[str, Any],  # noqa: F811
    change: dict[str, Any],
    said: str,
) -> None:
    shown = check(app, portal.give_receipt(leaf.id) | change)
    assert BAD in shown
    assert said in shown


@pytest.mark.parametrize(("name", "value"), [("key", "00" * 32), ("root", "00" * 32), ("size", 10**9), ("at", "2020-01-01")])
def test_a_head_that_the_portal_did_not_sign_is_refused(
    app: Any,
    leaf: Leaf,  # noqa: F811
    head: dict[str, Any],  # noqa: F811
    name: str,
    value: Any,
) -> None:
    given = portal.give_receipt(leaf.id)
    assert "Does not hold: The head is signed by a key" in check(app, given | {"head": given["head"] | {name: value}})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '{"type": "kzopen.record.receipt"}', "[" * 100_000, '{"type": 1}']
)
def test_what_is_no_receipt_is_told_so_and_what_was_typed_stays(app: Any, text: str) -> None:
    response = app.post("/en/record/check", data={"receipt": text}, status=400)
    assert "This is not a receipt of the record, or a part of it is missing." in words(response)
    assert html.fromstring(response.body).xpath("string(//textarea[@name='receipt'])").strip() == text
    model.Session.rollback()


def test_a_promise_of_the_first_minute_is_told_as_such(app: Any) -> None:
    made = append(model.Session, "test", str(uuid4()), {"text": "сынақ"})
    model.Session.commit()
    given = portal.give_receipt(made.id)
    if "promise" in given:  # else the worker has signed a head meanwhile
        assert "Holds: This portal has promised by its signature" in check(app, given)
        false = given | {"promise": given["promise"] | {"until": "2030-01-01T00:00:00.000000Z"}}
        assert "Does not hold: This portal has promised by its signature" in check(app, false)
