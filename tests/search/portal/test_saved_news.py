"""Whoever saved a search hears once of everything that newly fits it, in each section, as far as they may see it.

By the portal's own indexer and worker, and a real mail server.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import notices
from ckanext.kzopen.core.mail.office import Office
from ckanext.kzopen.core.mail.sending import send_due
from ckanext.kzopen.core.notices import digest, feeds, reading, subscriptions, targets
from ckanext.kzopen.search import recompute, registry, store
from ckanext.kzopen.search.document import from_solr
from ckanext.kzopen.search.portal import found, saved
from ckanext.kzopen.search.tree import Node
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.mail.conftest import SENDER, Received, office, server, start_server
from tests.core.notices.conftest import _context
from tests.publishing.conftest import SCHOOLS, Agency, Api, agency, api, other_agency, passport
from tests.security.world import _person

__all__ = ["_context", "agency", "api", "office", "other_agency", "server", "start_server"]


@pytest.fixture
def word() -> str:
    """In no other document."""
    return "w" + uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))[:12]


def account(name: str) -> str:
    return str(model.User.get(name).id)


def save(reader: str, address: str, how: str = "feed", language: str = "ru") -> str:
    """A search that somebody saved, and confirmed where they have no account."""
    found = targets.target_of(model.Session, "search", address, reader)
    subscriptions._follow(model.Session, reader, "search", found.target, how, language, confirmed=True)
    model.Session.commit()
    return reader


def looked(about: str) -> None:
    """Until the portal has made the document of a thing anew and looked at everything that changed."""
    until = time.monotonic() + 60
    waiting = text(
        """
        SELECT count(*) FROM kzopen.search_before WHERE due <= now()
        UNION ALL SELECT count(*) FROM kzopen.outbox_delivery d JOIN kzopen.outbox o ON o.id = d.outbox_id
            WHERE d.consumer = 'search.recompute' AND o.key IN (:about, split_part(:about, ':', 2))
        """
    )
    while reading.read(model.Session) or sum(model.Session.execute(waiting, {"about": about}).scalars()):
        model.Session.rollback()
        assert time.monotonic() < until, "what changed is not looked at"
        time.sleep(0.1)
    model.Session.rollback()


def told(reader: str, about: str) -> list[str]:
    """The notices that a reader has of a thing, by their kind, but for those of their own deliveries."""
    looked(about)
    wanted = text(
        """
        SELECT w.kind FROM kzopen.notice n JOIN kzopen.news w ON w.id = n.news
        WHERE n.reader = :reader AND w.about = :about AND w.kind NOT LIKE 'delivery.%'
        """
    )
    found = list(model.Session.execute(wanted, {"reader": reader, "about": about}).scalars())
    model.Session.rollback()
    return found


def free() -> dict[str, Any]:
    return {"ignore_auth": True, "user": tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]}


def organization(title: str) -> str:
    given = {"name": f"agency-{uuid.uuid4().hex[:10]}", "title": title}
    return str(tk.get_action("organization_create")(free(), given)["id"])


def rename(organization_id: str, title: str) -> None:
    tk.get_action("organization_patch")(free(), {"id": organization_id, "title": title})


def dataset(api: Api, agency: Agency, title: str) -> tuple[str, str]:
    """Address and id of a new data set."""
    uri = f"set-{uuid.uuid4().hex[:10]}"
    describe(api, agency, uri, title)
    return uri, str(model.Package.get(uri).id)


def describe(api: Api, agency: Agency, uri: str, title: str) -> None:
    answer = api.put(uri, passport(agency.name) | {"title": {"kk": title, "ru": title}})
    assert answer.status_code in (200, 201), answer.json
    model.Session.rollback()


Put = Callable[..., str]


@pytest.fixture
def put() -> Iterator[Put]:
    """Writes the document of a thing as it is given, and names the thing; gone after the test."""
    site, written = str(tk.config["ckan.site_id"]), set()

    def write(thing: str, title: str, **more: Any) -> str:
        source = {"name": thing, "title": title, "permission_labels": ["public"], **more}
        store.put(model.Session, from_solr(recompute.completed(source, "organization", thing, site), site))
        model.Session.commit()
        written.add(thing)
        return f"organization:{thing}"

    yield write
    model.Session.rollback()
    for thing in written:
        store.remove(model.Session, site, "organization", thing)
    model.Session.commit()


@pytest.fixture
def thing() -> str:
    return str(uuid.uuid4())


def in_days(number: int) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).isoformat()


def tell_version(about: str, word: str, agency: str | None = None) -> None:
    """The news that the first version of a data set brings."""
    values = {"title": {"kk": word}, "version": "1", "rows": 1, "link": "/dataset/x"}
    notices.tell(
        model.Session, "dataset.version", about, key=f"test:{uuid.uuid4()}", values=values, agency=agency, begins=True
    )
    model.Session.commit()


@pytest.fixture
def person(app: CKANTestApp) -> str:
    return account(_person(app, "", None)[0])


def test_a_new_organisation_is_told_once_by_mail_digest_and_feed(
    app: CKANTestApp, word: str, person: str, server: Received, office: Office
) -> None:
    at_once, daily = (save(f"{how}-{word}@example.org", f"q={word}", how) for how in ("at_once", "daily"))
    save(person, f"q={word}&section=organization", "feed", "en")
    about = f"organization:{organization(f'{word} агенттігі')}"
    assert [told(reader, about) for reader in (at_once, daily, person)] == [["search.found"]] * 3
    digest.compose_all(model.Session)
    send_due(model.Session, office, SENDER)
    [mail], [day] = server.to(at_once), server.to(daily)
    plain = mail.get_payload()[0].get_payload(decode=True).decode()
    assert "Организации. Соответствует поиску, который вы сохранили на портале." in plain
    assert "/ru/organization/agency-" in plain
    assert f"{word} агенттігі: найдено по сохранённому поиску" in day.get_payload()[0].get_payload(decode=True).decode()
    feed = app.get(f"/en/notices/mine/{feeds.secret(model.Session, person)}.atom").get_data(as_text=True)
    assert len(re.findall(f"{word} агенттігі: found by a search that you saved", feed)) == 1


def test_what_fitted_already_when_the_search_was_saved_is_not_told(word: str, person: str) -> None:
    other = save(f"other-{word}@example.org", "q=zzzz")  # so that changes are looked at
    known = organization(f"{word} бірінші")
    looked(f"organization:{known}")
    save(person, f"q={word}")
    rename(known, f"{word} екінші")
    assert told(person, f"organization:{known}") == []
    assert told(other, f"organization:{known}") == []


def test_a_renamed_organisation_that_fits_now_is_told_once_for_ever(word: str, person: str) -> None:
    save(person, f"q={word}")
    known = organization("Басқа атау")
    about = f"organization:{known}"
    assert told(person, about) == []
    for title, times in ((f"{word} атауы", 1), ("Басқа атау", 1), (f"Қайтадан {word}", 1)):
        rename(known, title)
        assert told(person, about) == ["search.found"] * times


def test_a_renamed_data_set_is_told_before_it_has_any_rows(api: Api, agency: Agency, word: str, person: str) -> None:
    save(person, f"q={word}&section=dataset")
    uri, package = dataset(api, agency, "Мектептер")
    assert told(person, f"package:{package}") == []
    describe(api, agency, uri, f"Мектептер {word}")
    assert told(person, f"package:{package}") == ["search.found"]


def test_documents_made_anew_are_told_to_nobody(api: Api, agency: Agency, word: str, person: str) -> None:
    other = save(f"other-{word}@example.org", "q=zzzz")  # so that changes are looked at
    _uri, package = dataset(api, agency, f"Мектептер {word}")
    looked(f"package:{package}")
    save(person, f"q={word}")
    model.Session.execute(text("DELETE FROM kzopen.search_document WHERE entity_id = :id"), {"id": package})
    model.Session.commit()
    assert told(person, f"package:{package}") == []
    recompute.document(package)
    model.Session.commit()
    assert told(person, f"package:{package}") == []
    assert told(other, f"package:{package}") == []


def test_a_private_data_set_is_told_to_its_agency_and_to_others_when_it_opens(
    api: Api, agency: Agency, other_agency: Agency, word: str, person: str
) -> None:
    own, stranger = account(agency.user), account(other_agency.user)
    uri, package = dataset(api, agency, "Мектептер")
    tk.get_action("package_patch")(free(), {"id": package, "private": True})
    looked(f"package:{package}")
    readers = [save(one, f"q={word}") for one in (own, stranger, person, f"{word}@example.org")]
    describe(api, agency, uri, f"Мектептер {word}")
    about = f"package:{package}"
    assert [told(one, about) for one in readers] == [["search.found"], [], [], []]
    tk.get_action("package_patch")(free(), {"id": package, "private": False})
    assert [told(one, about) for one in readers] == [["search.found"]] * 4


@pytest.mark.long
def test_a_data_set_that_opens_later_is_told_at_its_moment_also_to_who_saved_the_search_meanwhile(
    api: Api, agency: Agency, word: str, person: str
) -> None:
    for seconds, last in ((12, "a"), (25, "b"), (60, "c")):  # a busy machine gets another, longer try
        own, before = (save(who, f"q={word}{last}") for who in (account(agency.user), f"before-{word}@example.org"))
        uri, package = dataset(api, agency, "Мектептер")
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        delivery = api.delivery(uri, SCHOOLS, f"?publish_at={moment.isoformat().replace('+', '%2B')}")
        assert delivery["state"] == "scheduled"
        looked(f"package:{package}")
        describe(api, agency, uri, f"Мектептер {word}{last}")
        save(person, f"q={word}{last}")
        about = f"package:{package}"
        early = [told(one, about) for one in (own, before, person)]
        if datetime.now(UTC) < moment:
            break
    else:
        pytest.fail("the machine was too slow for this test")
    assert early == [["search.found"], [], []]
    until = time.monotonic() + 60
    while not all(told(one, about) for one in (before, person)):
        assert time.monotonic() < until, "nobody was told"
        time.sleep(0.3)
    # The first version comes at this moment too, before or after the document opens: one of the two is told.
    while not told_of_version(package):
        assert time.monotonic() < until, "the version was not told"
        time.sleep(0.3)
    assert told(own, about) == ["search.found"]
    for one in (before, person):
        assert told(one, about) in (["search.found"], ["dataset.version"])


def told_of_version(package: str) -> bool:
    """Whether the news of the first version is made."""
    made = text("SELECT EXISTS (SELECT FROM kzopen.news WHERE about = :about AND kind = 'dataset.version')")
    looked(f"package:{package}")
    return bool(model.Session.execute(made, {"about": f"package:{package}"}).scalar())


def test_things_of_any_section_are_told_to_those_who_find_them(word: str, person: str) -> None:
    labels = {"one": ["public"], "two": ["member-nobody"]}
    section = registry.Section(
        f"paper{word}",
        {"kk": "Қағаздар", "ru": "Бумаги", "en": "Papers"},
        page=lambda stored: f"/papers/{stored['id']}",
        source=lambda session, name: {"title": f"{word} {name}", "permission_labels": labels[name]},
    )
    registry.register(section)
    try:
        save(person, f"q={word}")
        for name in labels:
            recompute.thing(section.entity_type, name)
        found.tell(model.Session, saved.nodes)  # before the portal's worker can, which does not know the section
        assert {name: told(person, f"{section.entity_type}:{name}") for name in labels} == {"one": ["search.found"], "two": []}
    finally:
        registry.forget(section.entity_type)
        for name in labels:
            recompute.thing(section.entity_type, name)
        model.Session.commit()


def test_who_finds_a_planned_thing_is_told_when_it_comes_to_fit_a_search_saved_meanwhile(
    put: Put, agency: Agency, word: str, thing: str
) -> None:
    planned = {"visible_from": in_days(1), "owner_org": agency.id}
    about = put(thing, "Басқа атау", **planned)
    looked(about)
    own = save(account(agency.user), f"q={word}")
    put(thing, f"{word} атауы", **planned)
    assert told(own, about) == ["search.found"]


def test_who_found_a_planned_thing_when_saving_is_not_told_of_its_next_change(
    put: Put, agency: Agency, word: str, thing: str
) -> None:
    planned = {"visible_from": in_days(1), "owner_org": agency.id}
    about = put(thing, f"{word} атауы", **planned)
    looked(about)
    own = save(account(agency.user), f"q={word}")
    put(thing, f"{word} жаңа атауы", **planned)
    assert told(own, about) == []


def test_a_search_saved_between_two_changes_hears_of_the_second(put: Put, word: str, person: str, thing: str) -> None:
    save(f"{word}@example.org", f"q={word}")  # so that changes are looked at
    about = put(thing, "Басқа атау")
    save(person, f"q={word}")
    put(thing, f"{word} атауы")
    assert told(person, about) == ["search.found"]


def test_a_search_saved_while_changes_are_looked_at_hears_of_those_that_follow(put: Put, word: str, person: str) -> None:
    save(f"{word}@example.org", f"q={word}x")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    about = put(second, "Басқа атау")
    looked(about)
    put(first, f"{word}x атауы")
    asked: list[str] = []

    def nodes(address: str) -> Sequence[Node]:
        if not asked:
            save(person, f"q={word}")
            put(second, f"{word} атауы")
        asked.append(address)
        return saved.nodes(address)

    found.tell(model.Session, nodes)
    assert asked
    assert told(person, about) == ["search.found"]


def test_a_slow_look_at_one_change_takes_nothing_from_the_look_at_the_next(
    put: Put, word: str, person: str, thing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process looks at the change meanwhile, and the thing changes again."""
    reader = save(f"{word}@example.org", f"q={word}x")
    save(person, f"q={word}")
    about = put(thing, "Басқа атау")
    looked(about)
    put(thing, f"{word} атауы")
    tell, overtaken = found._tell, list[Any]()

    def slow(session: Any, look: Any, row: Any) -> None:
        if not overtaken:
            overtaken.append(row)
            site = str(tk.config["ckan.site_id"])
            source = {"name": thing, "title": f"{word} {word}x атауы", "permission_labels": ["public"]}
            with Session(model.meta.engine) as other:
                found.tell(other, saved.nodes)
                store.put(other, from_solr(recompute.completed(source, "organization", thing, site), site))
                other.commit()
        tell(session, look, row)

    monkeypatch.setattr(found, "_tell", slow)
    found.tell(model.Session, saved.nodes)
    assert overtaken
    assert told(reader, about) == ["search.found"]


def test_a_search_that_is_forgotten_meanwhile_keeps_no_other_from_telling(word: str, person: str, thing: str) -> None:
    readers = [save(reader, f"q={word}") for reader in (f"{word}@example.org", person)]
    numbers = text("SELECT id FROM kzopen.subscription WHERE reader = ANY (:readers) ORDER BY id")
    gone, kept = model.Session.execute(numbers, {"readers": readers}).scalars()
    model.Session.execute(text("DELETE FROM kzopen.subscription WHERE id = :id"), {"id": gone})
    assert found.first_time(model.Session, f"organization:{thing}", [gone, kept]) == [kept]
    assert found.first_time(model.Session, f"organization:{thing}", [gone, kept]) == []
    model.Session.rollback()


@pytest.fixture
def refused(word: str) -> Iterator[str]:
    """An address that was saved when it was not refused yet."""
    bad = text(
        """
        INSERT INTO kzopen.subscription (reader, what, target, how, language, confirmed)
        VALUES (:reader, 'search', :target, 'feed', 'ru', now())
        """
    )
    given = {"reader": f"{word}@example.org", "target": f"q={{!bool}}{word}"}
    model.Session.execute(bad, given)
    model.Session.commit()
    yield given["target"]
    model.Session.rollback()
    model.Session.execute(text("DELETE FROM kzopen.subscription WHERE target = :target"), given)
    model.Session.commit()


def test_an_address_that_is_refused_keeps_no_other_search_from_telling(
    put: Put, word: str, person: str, thing: str, refused: str
) -> None:
    save(person, f"q={word}")
    about = put(thing, f"{word} атауы")
    assert told(person, about) == ["search.found"]
    assert saved.fitting(model.Session, about) == [f"q={word}"]


@pytest.mark.parametrize("version_first", [True, False])
def test_a_thing_and_its_first_version_are_told_once_to_a_reader_of_two_searches_that_find_it(
    put: Put, word: str, person: str, thing: str, version_first: bool
) -> None:
    save(person, f"q={word}")
    save(person, f"q={word}&section=organization")
    about = put(thing, f"{word} атауы")
    if version_first:
        tell_version(about, word)
    assert len(told(person, about)) == 1
    tell_version(about, word)
    assert told(person, about) == (["dataset.version"] * 2 if version_first else ["search.found"])


def test_who_follows_the_agency_as_well_is_not_told_by_a_search_what_its_news_has_told(
    put: Put, agency: Agency, word: str, person: str, thing: str
) -> None:
    save(person, f"q={word}")
    subscriptions._follow(model.Session, person, "agency", agency.id, "feed", "ru", confirmed=True)
    about = put(thing, f"{word} атауы")
    tell_version(about, word, agency.id)
    assert told(person, about) == ["dataset.version"]


def test_a_document_that_only_another_version_of_the_analysis_changed_is_not_remembered(
    put: Put, word: str, thing: str
) -> None:
    save(f"{word}@example.org", f"q={word}")
    about = put(thing, "Басқа атау")
    looked(about)
    remembered = text("SELECT count(*) FROM kzopen.search_before WHERE about = :about")
    site = str(tk.config["ckan.site_id"])
    source = {"name": thing, "title": "Үшінші атау", "permission_labels": ["public"]}
    made = from_solr(recompute.completed(source, "organization", thing, site), site)
    counts = []
    for version in (made.analysis + 1, made.analysis + 1):
        source["title"] += " екі"
        made = from_solr(recompute.completed(source, "organization", thing, site), site)
        store.put(model.Session, replace(made, analysis=version))
        counts.append(model.Session.execute(remembered, {"about": about}).scalar())
    model.Session.rollback()
    assert counts == [0, 1]


def test_what_is_gone_is_remembered_for_seven_days_from_its_end_and_so_is_who_was_told(
    put: Put, word: str, person: str, thing: str
) -> None:
    save(person, f"q={word}")
    about = put(thing, f"{word} атауы")
    assert told(person, about) == ["search.found"]
    store.remove(model.Session, str(tk.config["ckan.site_id"]), "organization", thing)
    aged = "UPDATE kzopen.search_before SET {} = now() - interval '8 days' WHERE about = :about"
    model.Session.execute(text(aged.format("since")), {"about": about})
    kept = text(
        """
        SELECT (SELECT count(*) FROM kzopen.search_before WHERE about = :about),
            (SELECT count(*) FROM kzopen.search_told WHERE about = :about)
        """
    )
    model.Session.commit()
    found.tell(model.Session, saved.nodes)
    assert tuple(model.Session.execute(kept, {"about": about}).one()) == (1, 1)
    model.Session.execute(text(aged.format("last")), {"about": about})
    found.tell(model.Session, saved.nodes)
    assert tuple(model.Session.execute(kept, {"about": about}).one()) == (0, 0)


def test_a_go_ends_after_its_time_and_the_next_one_goes_on(
    put: Put, word: str, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(person, f"q={word}")
    things = [put(str(uuid.uuid4()), f"{word} {number}") for number in range(3)]
    with monkeypatch.context() as hurried:
        hurried.setattr(found, "LONGEST", 0)
        assert found.tell(model.Session, saved.nodes) <= 1  # the worker may have been here
    assert [told(person, about) for about in things] == [["search.found"]] * 3
