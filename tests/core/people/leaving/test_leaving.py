"""People take their data with them as a file, and nothing personal is left of who has deleted their account."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import notices
from ckanext.kzopen.core.notices import subscriptions, visibility
from ckanext.kzopen.core.people import levels
from ckanext.kzopen.core.people.accounts.signing_up import remember_confirmed
from ckanext.kzopen.core.people.invitations import Invitation, sweep_invitations
from ckanext.kzopen.core.people.leaving import deletion, export
from ckanext.kzopen.core.people.leaving.jobs import forget
from ckanext.kzopen.core.people.levels import Level, rules
from ckanext.kzopen.core.record.events import events
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session

from tests.core.people.conftest import HERE, PASSWORD, Browser, Person
from tests.core.people.levels.test_levels import new_iin
from tests.core.people.second_factor.test_second_factor import set_up

FOLLOWED = "letter:of-these-tests"
"""Of which only these tests tell: the worker of this portal tells of others."""


def lived(browser: Browser, person: Person) -> str:
    """A person with all that the portal may keep; their IIN."""
    iin = new_iin()
    remember_confirmed(model.Session, person.id, "kk")
    levels.confirm(model.Session, person.id, Level.iin_confirmed, levels.PROVIDER + "tests", number=iin)
    subscriptions.follow(model.Session, person.id, "thing", FOLLOWED, "daily", "kk")
    model.Session.commit()
    invited(person.email.upper(), person=person.id, accepted=datetime.now(UTC))
    invited(person.email.upper())
    browser.sign_in(person.name)
    set_up(browser)
    browser.post("/account/email", email=f"new-{person.email}", password=PASSWORD)
    browser.post("/account/recover", email=person.email)
    return iin


def invited(email: str, expires: datetime | None = None, **more: Any) -> Invitation:
    """An invitation as it is kept; its link works for a day unless told otherwise."""
    told = {"name": "Айгүл Шақырылған", "language": "kk", "role": "author", "invited_by": "nobody", **more}
    until = expires or datetime.now(UTC) + timedelta(days=1)
    row = Invitation(token_hash=uuid4().hex, email=email, expires=until, **told)
    model.Session.add(row)
    model.Session.commit()
    return row


def rows_with(wanted: str) -> list[str]:
    """The tables of CKAN and ours in which a text stands."""
    found = []
    for schema in ("public", "kzopen"):
        for table in inspect(model.meta.engine).get_table_names(schema):
            query = text(f'SELECT count(*) FROM {schema}."{table}" AS row WHERE CAST(row AS text) ILIKE :wanted')
            if model.Session.execute(query, {"wanted": f"%{wanted}%"}).scalar():
                found.append(f"{schema}.{table}")
    return found


def test_the_file_holds_what_the_portal_keeps(browser: Browser, person: Person) -> None:
    iin = lived(browser, person)
    answer = browser.post("/account/data", password=PASSWORD)
    assert answer.headers["Content-Type"] == "application/zip"
    assert "no-store" in answer.headers["Cache-Control"]
    file = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    told: dict[str, Any] = {name: json.loads(file.read(name)) for name in file.namelist()}
    assert set(told) >= {
        *("account.json", "levels.json", "sessions.json", "signing_in.json", "roles.json", "events.json"),
        "subscriptions.json",
    }
    assert told["account.json"]["email"] == person.email
    assert [one["level"] for one in told["levels.json"]] == ["iin_confirmed", "email_confirmed"]
    assert [(one["name"], bool(one["accepted"])) for one in told["invitations.json"]] == [
        ("Айгүл Шақырылған", True),
        ("Айгүл Шақырылған", False),
    ]
    assert told["subscriptions.json"][0]["target"] == FOLLOWED
    assert told["signing_in.json"]["second_factor"] is True
    assert "sign_in" in [row["verb"] for row in told["events.json"]]
    assert len(told["sessions.json"]) == 1
    everything = json.dumps(told)
    assert iin not in everything
    assert model.User.get(person.id).password not in everything


def test_the_file_is_given_for_the_password(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert browser.post("/account/data", password="not it").status_code == 422


def test_who_of_the_staff_looked_is_not_told(new_person: Callable[..., Person]) -> None:
    operator, person = new_person(sysadmin=True), new_person()
    levels.confirm(model.Session, person.id, Level.expert, operator.id, address="198.18.0.77")
    model.Session.commit()
    told = export.archive(model.Session, person.id)
    events_of = zipfile.ZipFile(io.BytesIO(told)).read("events.json").decode()
    assert "confirm_level" in events_of
    assert operator.id not in events_of
    assert "198.18.0.77" not in events_of


def test_a_section_adds_its_part(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_parts", dict(export._parts))
    export.register("letters", lambda _session, user_id: {"of": user_id})
    file = zipfile.ZipFile(io.BytesIO(export.archive(model.Session, person.id)))
    assert json.loads(file.read("letters.json")) == {"of": person.id}


def test_nothing_personal_is_left_of_a_deleted_account(
    browser: Browser, other_browser: Browser, person: Person, app: CKANTestApp
) -> None:
    lived(browser, person)
    token = tk.get_action("api_token_create")({"ignore_auth": True}, {"user": person.name, "name": "t"})["token"]
    assert rows_with(person.email), "the search below finds it while it is there"
    answer = browser.post("/account/delete", password=PASSWORD)
    assert answer.status_code == 302
    assert not browser.is_signed_in
    model.Session.rollback()
    assert rows_with(person.email) == []
    assert rows_with(person.name) == []
    assert rows_with("Айгүл Сынақова " + person.id) == []
    left = rows_with(person.id)
    under_the_id = {"public.user", "public.member", "public.activity", "kzopen.event", "kzopen.outbox", "kzopen.invitation"}
    assert set(left) <= under_the_id | {"kzopen.procrastinate_jobs"}, left
    user = model.User.get(person.id)
    assert (user.state, user.fullname, user.email, user.about) == ("deleted", None, None, None)
    assert other_browser.sign_in(person.name).status_code == 401
    client = app.test_client(use_cookies=False)
    shown = client.open(f"/api/3/action/user_show?id={person.id}", headers={"Authorization": token}, base_url=HERE)
    assert shown.status_code in (403, 404)


def test_an_invitation_ends_with_the_account_that_it_was_sent_to(browser: Browser, person: Person) -> None:
    number = invited(person.email).id
    browser.sign_in(person.name)
    browser.post("/account/delete", password=PASSWORD)
    row = model.Session.get_one(Invitation, number)
    assert (row.name, row.email, row.withdrawn is None) == ("", "", False)


def test_who_never_answered_an_invitation_is_forgotten() -> None:
    now, days = datetime.now(UTC), rules().keeping.invitations
    stranger, late = f"stranger-{uuid4().hex}@example.org", f"late-{uuid4().hex}@example.org"
    past, recent = now - timedelta(days=days, minutes=1), now - timedelta(days=days - 1)
    number = invited(stranger, past).id
    invited(late, recent)
    accepted = invited(f"member-{stranger}", past, accepted=past, person="somebody")
    sweep_invitations()
    assert rows_with(stranger) == []
    assert rows_with(late) == ["kzopen.invitation"]
    model.Session.expire_all()
    assert model.Session.get(Invitation, number) is None
    assert (accepted.name, accepted.email, accepted.person) == ("", "", "somebody")


def test_what_is_told_at_that_very_moment_is_erased_a_little_later(
    person: Person, app: CKANTestApp, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(visibility._kinds, "letter", lambda _session, _thing, _readers: None)
    subscriptions.follow(model.Session, person.id, "thing", FOLLOWED, "at_once", "kk")
    model.Session.commit()
    with Session(engine) as teller, app.flask_app.test_request_context():
        values = {"title": "Сынақ", "version": 2, "rows": 7, "link": "/dataset/of-these-tests"}
        notices.tell(teller, "dataset.version", FOLLOWED, key=f"of:{person.name}", values=values)
        deletion.delete(model.Session, model.User.get(person.id), person.id, None)
        model.Session.commit()
        teller.commit()
    assert {"kzopen.notice", "kzopen.mail"} <= set(rows_with(person.id)), "they were written by who did not see the deletion"
    job = "kzopen.procrastinate_jobs WHERE task_name = :task AND args ->> 'person' = :id"
    due = text(f"SELECT scheduled_at - now() FROM {job}")
    waits = model.Session.execute(due, {"task": deletion.FORGET, "id": person.id}).scalar_one()
    assert timedelta(0) < waits <= deletion.WRITTEN_BY_THEN
    forget(person.id)
    assert not {"kzopen.notice", "kzopen.mail"} & set(rows_with(person.id))
    assert rows_with(person.email) == []


def test_the_address_is_free_again(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    browser.post("/account/delete", password=PASSWORD)
    browser.post("/account/sign-up", fullname="Дана Сынақ", email=person.email, language="kk")
    from tests.core.people.mailbox import mails_to

    assert [mail.template for mail in mails_to(person.email)] == ["people.sign_up"]


def test_the_deletion_is_in_the_log_without_personal_data(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    browser.post("/account/delete", password=PASSWORD)
    last = events(model.Session, kind="account", object_id=person.id)[-1]
    assert (last.verb, last.actor, last.old, last.new, last.reason) == ("delete", person.id, None, None, None)


def test_public_words_stay_without_the_name(browser: Browser, person: Person) -> None:
    assert deletion.shown_name(model.Session, person.id, "ru") == "Айгүл Сынақова"
    browser.sign_in(person.name)
    browser.post("/account/delete", password=PASSWORD)
    model.Session.expire_all()
    shown = [deletion.shown_name(model.Session, person.id, language) for language in ("kk", "ru", "en")]
    assert shown == ["Жойылған тіркелгі", "Удалённая учётная запись", "Deleted account"]


def test_a_wrong_password_deletes_nothing(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert browser.post("/account/delete", password="not it").status_code == 422
    assert model.User.get(person.id).state == "active"


def test_who_holds_roles_asks_for_their_end_first(browser: Browser, new_person: Callable[..., Person]) -> None:
    operator = new_person(sysadmin=True)
    browser.sign_in(operator.name)
    answer = browser.post("/ru/account/delete", password=PASSWORD)
    assert answer.status_code == 422
    assert "У вас есть роли" in answer.get_data(as_text=True)
    assert model.User.get(operator.id).state == "active"


def test_what_a_section_cannot_erase_stops_the_deletion(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_session: Any, _user_id: str) -> None:
        raise RuntimeError("the section failed")

    monkeypatch.setattr(deletion, "_erasers", {**deletion._erasers, "tests": fail})
    with pytest.raises(RuntimeError):
        deletion.delete(model.Session, model.User.get(person.id), person.id, None)
    model.Session.rollback()
    assert model.User.get(person.id).email == person.email


def test_ckans_page_of_deletion_leads_to_ours(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert browser.get(f"/user/delete/{person.name}").headers["Location"].endswith("/account/delete")
