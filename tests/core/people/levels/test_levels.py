"""Levels of identity: who confirmed them, until when; an IIN is never kept in clear; what is past is past by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckanext.kzopen.core.identifiers import check_digit
from ckanext.kzopen.core.people import levels, second_factor
from ckanext.kzopen.core.people.accounts.signing_up import remember_confirmed
from ckanext.kzopen.core.people.levels import Level
from ckanext.kzopen.core.people.levels.model import IdentityLevel
from ckanext.kzopen.core.people.levels.rules import rules_of
from ckanext.kzopen.core.record.events import events
from ckanext.kzopen.core.web import KzError
from ckanext.kzopen.core.yaml_source import SourceError, schemas
from sqlalchemy import select, text, update

from tests.core.people.conftest import Browser, Person
from tests.core.people.mailbox import mails_to
from tests.core.people.second_factor.test_second_factor import set_up

BY = levels.PROVIDER + "tests"


def new_iin() -> str:
    """A number with a right check digit, of nobody in particular."""
    while True:
        eleven = f"900101{3}{uuid4().int % 10_000:04d}"
        last = check_digit(eleven)
        if last is not None:
            return f"{eleven}{last}"


def new_bin() -> str:
    """The same of an organisation."""
    return next(f"{eleven}{last}" for n in range(10) if (last := check_digit(eleven := f"1004400000{n}")) is not None)


def confirm(person: Person, level: Level, **more: Any) -> IdentityLevel:
    row = levels.confirm(model.Session, person.id, level, BY, **more)
    model.Session.commit()
    return row


def test_nobody_and_a_new_account_are_anonymous(person: Person) -> None:
    assert levels.level_of("") is Level.anonymous
    assert levels.level_of(person.id) is Level.anonymous
    assert levels.level_of("no-such-account") is Level.anonymous


def test_a_confirmed_address_is_a_level(person: Person) -> None:
    remember_confirmed(model.Session, person.id, "kk")
    assert levels.level_of(person.id) is Level.email_confirmed


def test_the_highest_level_is_named_and_all_are_had(person: Person) -> None:
    remember_confirmed(model.Session, person.id, "kk")
    confirm(person, Level.expert)
    confirm(person, Level.iin_confirmed, number=new_iin())
    assert levels.level_of(person.id) is Level.expert
    assert levels.levels_of(person.id) == {Level.anonymous, Level.email_confirmed, Level.iin_confirmed, Level.expert}


def test_a_level_ends_by_itself(person: Person) -> None:
    until = datetime.now(UTC) + timedelta(days=30)
    confirm(person, Level.expert, until=until)
    assert levels.level_of(person.id, until - timedelta(seconds=1)) is Level.expert
    assert levels.level_of(person.id, until) is Level.anonymous
    past = update(IdentityLevel).where(IdentityLevel.user_id == person.id)
    model.Session.execute(past.values(since=text("now() - interval '2 days'"), until=text("now() - interval '1 day'")))
    assert levels.level_of(person.id) is Level.anonymous


def test_a_level_lasts_as_long_as_the_rules_say(person: Person) -> None:
    bin_ = new_bin()
    row = confirm(person, Level.organisation, number=bin_)
    assert row.until
    assert 364 <= (row.until - datetime.now(UTC)).days <= 366
    assert row.organisation == bin_


def test_an_account_that_is_closed_has_no_level(person: Person) -> None:
    confirm(person, Level.expert)
    model.User.get(person.id).state = "deleted"
    model.Session.flush()
    assert levels.level_of(person.id) is Level.anonymous
    model.Session.rollback()


def test_an_iin_is_in_no_table_and_in_no_log(person: Person, caplog: pytest.LogCaptureFixture) -> None:
    iin = new_iin()
    row = confirm(person, Level.iin_confirmed, number=iin)
    kept = " ".join(str(value) for value in vars(row).values())
    told = " ".join(str(vars(event)) for event in events(model.Session, kind="account", object_id=person.id))
    assert row.number_end == iin[-4:]
    assert iin not in kept
    assert iin not in told
    assert iin not in caplog.text


def test_one_iin_belongs_to_one_account(new_person: Callable[..., Person]) -> None:
    iin, first, second = new_iin(), new_person(), new_person()
    confirm(first, Level.iin_confirmed, number=iin)
    with pytest.raises(KzError, match="another account"):
        confirm(second, Level.iin_confirmed, number=f"{iin[:6]} {iin[6:]}")
    model.Session.rollback()
    confirm(first, Level.iin_confirmed, number=iin)
    rows = model.Session.scalars(select(IdentityLevel).where(IdentityLevel.user_id == first.id)).all()
    assert [row.ended is None for row in sorted(rows, key=lambda row: row.id)] == [False, True]


@pytest.mark.parametrize(
    ("level", "more", "code"),
    [
        (Level.iin_confirmed, {"number": "123456789012"}, "people.wrong_iin"),
        (Level.iin_confirmed, {}, "people.wrong_iin"),
        (Level.organisation, {"number": "1"}, "people.wrong_bin"),
        (Level.email_confirmed, {}, "people.level_by_mail_only"),
        (Level.expert, {"until": datetime(2020, 1, 1, tzinfo=UTC)}, "people.until_is_past"),
    ],
)
def test_what_cannot_be_confirmed_is_refused(person: Person, level: Level, more: dict[str, Any], code: str) -> None:
    with pytest.raises(KzError) as refused:
        levels.confirm(model.Session, person.id, level, BY, **more)
    assert refused.value.code == code
    model.Session.rollback()


def test_only_staff_with_the_right_confirm(new_person: Callable[..., Person]) -> None:
    citizen, operator, person = new_person(), new_person(sysadmin=True), new_person()
    with pytest.raises(KzError) as refused:
        levels.confirm(model.Session, person.id, Level.expert, citizen.id)
    assert refused.value.code == "web.not_allowed"
    row = levels.confirm(model.Session, person.id, Level.expert, operator.id)
    model.Session.commit()
    with pytest.raises(KzError):
        levels.end(model.Session, row.id, citizen.id, "no reason")
    with pytest.raises(KzError) as without_reason:
        levels.end(model.Session, row.id, operator.id, " ")
    assert (without_reason.value.code, levels.level_of(person.id)) == ("people.reason_wanted", Level.expert)
    levels.end(model.Session, row.id, operator.id, "left the council")
    model.Session.commit()
    assert levels.level_of(person.id) is Level.anonymous
    log = [row for row in events(model.Session, kind="account", object_id=person.id) if row.verb.endswith("_level")]
    assert [(row.verb, row.actor, row.reason) for row in log] == [
        ("confirm_level", operator.id, None),
        ("end_level", operator.id, "left the council"),
    ]


def test_staff_confirm_on_a_page_and_the_owner_sees_it(
    browser: Browser, other_browser: Browser, new_person: Callable[..., Person]
) -> None:
    operator, person, iin = new_person(sysadmin=True), new_person(), new_iin()
    browser.be(operator)
    page = browser.post(f"/account/levels?person={person.email}", person=person.email, level="iin_confirmed", number=iin)
    assert page.status_code == 302, page.get_data(as_text=True)
    other_browser.sign_in(person.name)
    shown = other_browser.get("/ru/account").get_data(as_text=True)
    assert "ИИН подтверждён" in shown
    assert f"••••••••{iin[-4:]}" in shown
    assert iin not in shown
    assert "сотрудником портала" in shown


def test_a_level_is_not_taken_back_on_the_page_without_a_reason(browser: Browser, new_person: Callable[..., Person]) -> None:
    operator, person = new_person(sysadmin=True), new_person()
    row = levels.confirm(model.Session, person.id, Level.expert, operator.id)
    model.Session.commit()
    browser.be(operator)
    assert browser.post("/ru/account/levels/end", person=person.name, level_id=str(row.id), reason=" ").status_code == 302
    assert "Напишите, почему" in browser.get(f"/ru/account/levels?person={person.name}").get_data(as_text=True)
    assert levels.level_of(person.id) is Level.expert


def test_a_wrong_number_is_told_by_its_field(browser: Browser, new_person: Callable[..., Person]) -> None:
    operator, person = new_person(sysadmin=True), new_person()
    browser.be(operator)
    answer = browser.post(f"/account/levels?person={person.name}", person=person.name, level="iin_confirmed", number="1")
    assert answer.status_code == 422
    assert 'id="field-number-error"' in answer.get_data(as_text=True)


def test_an_operator_switches_a_lost_second_factor_off_and_its_owner_is_told(
    browser: Browser, other_browser: Browser, new_person: Callable[..., Person]
) -> None:
    operator, person = new_person(sysadmin=True), new_person()
    other_browser.sign_in(person.name)
    set_up(other_browser)
    tk.get_action("api_token_create")({"ignore_auth": True}, {"user": person.name, "name": "t"})
    browser.be(operator)
    page = browser.get(f"/account/levels?person={person.name}").get_data(as_text=True)
    token = page.split('name="_csrf_token" value="')[1].split('"')[0]
    told = {"person": person.name, "_csrf_token": token}
    assert browser.open("/account/levels/second-factor", method="POST", data=told).status_code == 302
    assert not second_factor.enrolled(person.id)
    assert not other_browser.is_signed_in
    told = mails_to(person.email)[-1]
    assert (told.template, "кері қайтарып алынды (1)" in told.text) == ("people.second_factor_removed", True)
    assert model.Session.query(model.ApiToken).filter_by(user_id=person.id).all() == []


@pytest.mark.parametrize("over", ["expired", "closed"])
def test_an_iin_is_free_again_after_its_day_and_after_the_account(new_person: Callable[..., Person], over: str) -> None:
    first, second, iin = new_person(), new_person(), new_iin()
    row = levels.confirm(model.Session, first.id, Level.iin_confirmed, BY, number=iin)
    with pytest.raises(KzError) as refused:
        levels.confirm(model.Session, second.id, Level.iin_confirmed, BY, number=iin)
    assert refused.value.code == "people.iin_taken"
    if over == "expired":
        row.since, row.until = datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) - timedelta(days=1)
    else:
        model.User.get(first.id).state = "deleted"
    model.Session.flush()
    levels.confirm(model.Session, second.id, Level.iin_confirmed, BY, number=iin)
    model.Session.commit()
    assert Level.iin_confirmed in levels.levels_of(second.id)
    log = events(model.Session, kind="account", object_id=first.id, verb="end_level")
    assert [(event.actor, event.new) for event in log] == [(BY, {"level": "iin_confirmed"})]


def test_citizens_do_not_see_the_page(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert browser.get(f"/account/levels?person={person.name}").status_code == 403


def test_the_rules_name_every_level_once(tmp_path: Path) -> None:
    lines = schemas("people.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "people.yaml"
    wrong.write_text(lines.replace("  expert:", "  wizard:"), encoding="utf-8")
    with pytest.raises(SourceError):
        rules_of(wrong)
    wrong.write_text(lines.replace("rank: 60", "rank: 50"), encoding="utf-8")
    with pytest.raises(SourceError, match="two levels have one rank"):
        rules_of(wrong)
