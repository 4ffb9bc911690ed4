"""The bytes of a delivery are kept for a time after its end; the delivery itself stays, and says that they are gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.record.model import Event
from ckanext.kzopen.core.yaml_source import SourceError
from ckanext.kzopen.publishing import inbox, jobs, keeping, listings
from ckanext.kzopen.publishing.keeping import Rule, load_rules
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.runtime.backup.making import NEEDED
from sqlalchemy import select, text

from tests.publishing.conftest import SCHOOLS, Agency, Api
from tests.publishing.test_keys_and_reports import many
from tests.publishing.test_staff_pages import Browser, page, words

RULES = (Rule(state="accepted", days=90), Rule(state="refused", days=30))


def paths(number: str) -> list[Path]:
    """Where the bytes of a delivery lie, and the list of what is wrong with them."""
    delivery, root = model.Session.get_one(Delivery, UUID(number)), inbox.root(configured().files_url)
    return [root / delivery.path, root / listings.beside(delivery.path)]


def keep(days: float) -> None:
    """What the job of the night does so many days later."""
    model.Session.rollback()
    keeping.delete_past(model.Session(), configured().files_url, RULES, datetime.now(UTC) + timedelta(days=days))
    model.Session.rollback()


def there(number: str) -> list[bool]:
    return [path.exists() for path in paths(number)]


def test_the_rules_of_the_portal_can_be_read() -> None:
    assert load_rules() == RULES


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        ("{state: accepted, days: 0}", r":2: what came today is not deleted"),
        ("{state: quarantined, days: 9}", r":2: .*'accepted' or 'refused'"),
        ("{state: refused, days: 9}\n  - {state: refused, days: 8}", r":3: refused has a rule already"),
    ],
)
def test_a_rule_that_would_take_too_much_is_refused_with_its_line(tmp_path: Path, rule: str, mistake: str) -> None:
    file = tmp_path / "deliveries.yaml"
    file.write_text(f"keeping:\n  - {rule}\n")
    with pytest.raises(SourceError, match=mistake):
        load_rules(file)


def test_bytes_go_by_the_state_in_which_a_delivery_ended_and_what_still_waits_keeps_them(api: Api, uri: str) -> None:
    accepted, refused = api.delivery(uri, SCHOOLS), api.delivery(uri, many(1_100))
    waiting = api.delivery(uri, SCHOOLS.replace(b"640", b"641"), "?check=only")
    assert (accepted["state"], refused["state"], waiting["state"]) == ("accepted", "refused", "awaiting_approval")

    keep(29)
    assert [there(one["id"]) for one in (accepted, refused, waiting)] == [[True, False], [True, True], [True, False]]
    keep(31)
    assert [there(one["id"]) for one in (accepted, refused, waiting)] == [[True, False], [False, False], [True, False]]
    keep(91)
    assert [there(one["id"]) for one in (accepted, refused, waiting)] == [[False, False], [False, False], [True, False]]

    told = api.get(f"/deliveries/{accepted['id']}").json
    assert datetime.fromisoformat(told["bytes_deleted"]) > datetime.now(UTC)
    kept = ("state", "rows", "added", "size", "sha256", "version")
    assert {name: told[name] for name in kept} == {name: accepted[name] for name in kept}
    assert api.get(f"/deliveries/{waiting['id']}").json["bytes_deleted"] is None
    package = model.Package.get(uri).id
    events = select(Event.new).where(Event.object_id == package, Event.verb == "delete_bytes").order_by(Event.id)
    assert list(model.Session.scalars(events)) == [
        {"state": "refused", "days": 30, "deliveries": 1},
        {"state": "accepted", "days": 90, "deliveries": 1},
    ]
    assert api.call("POST", f"/deliveries/{waiting['id']}/approve").status_code in (200, 202)


def test_a_backup_does_not_miss_bytes_that_were_let_go(api: Api, uri: str) -> None:
    accepted = api.delivery(uri, SCHOOLS)
    name = f"files/{model.Session.get_one(Delivery, UUID(accepted['id'])).path}"
    assert name in set(model.Session.scalars(text(NEEDED)))
    keep(91)
    assert name not in set(model.Session.scalars(text(NEEDED)))


def test_bytes_of_an_accepted_delivery_that_is_not_shown_yet_are_kept(api: Api, uri: str) -> None:
    accepted = api.delivery(uri, SCHOOLS)
    model.Session.get_one(Delivery, UUID(accepted["id"])).settled = None
    model.Session.commit()
    keep(91)
    assert there(accepted["id"]) == [True, False]


NOTES = {
    "kk": "толық тізімімен бірге жойылды: 1\u00a0100 қатенің алғашқы 1\u00a0000 ғана қалды.",
    "ru": "вместе с полным списком ошибок: остались первые 1\u00a0000 из 1\u00a0100.",
    "en": "and the long list with it: the first 1,000 of 1,100 errors are left.",
}
GONE = {
    "kk": "Бұл файл сақтау мерзімі өткендіктен жойылған. Оны қайта жүктеңіз.",
    "ru": "Этот файл уже удалён по сроку хранения. Загрузите его заново.",
    "en": "This file was deleted when its time of keeping ended. Upload it again.",
}
SINCE = {"kk": "Енді сақталмайды, жойылған күні", "ru": "Больше не хранится, удалён", "en": "Not kept any more since"}


def test_report_and_page_say_that_the_file_is_not_kept_and_nothing_is_offered_of_it(
    app: CKANTestApp, agency: Agency, api: Api, uri: str
) -> None:
    refused = api.delivery(uri, many(1_100))["id"]
    staff = Browser(app, agency.user)
    assert page(staff.get(f"/staff/deliveries/{refused}")).select_one("a[href$='corrected.xlsx']") is not None
    keep(31)

    for language in ("kk", "ru", "en"):
        api.language = language
        told = api.get(f"/deliveries/{refused}/report?offset=900&limit=1000").json
        assert (told["listed"], told["next"], len(told["findings"])) == (1_000, None, 100)
        assert told["note"].endswith(NOTES[language])
        prefix = "" if language == "kk" else f"/{language}"
        soup = page(staff.get(f"{prefix}/staff/deliveries/{refused}"))
        assert SINCE[language] in words(soup, "dl.passport")
        assert soup.select_one("a[href$='corrected.xlsx']") is None
        assert not soup.select("button[name=repair]")
        answer = staff.get(f"{prefix}/staff/deliveries/{refused}/corrected.xlsx")
        assert (answer.status_code, GONE[language] in answer.get_data(as_text=True)) == (410, True)


def test_what_a_death_left_of_bytes_that_were_let_go_is_tidied_away(
    app: CKANTestApp, api: Api, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, other = api.delivery(uri, many(1_100))["id"], api.delivery(uri, many(1_101))["id"]
    model.Session.get_one(Delivery, UUID(refused)).bytes_deleted = datetime.now(UTC)
    model.Session.commit()
    monkeypatch.setattr(jobs, "UNKNOWN_AFTER", -60.0)
    own = [path.name for number in (refused, other) for path in paths(number)]
    old_files = inbox.old_files
    monkeypatch.setattr(
        inbox, "old_files", lambda *given: [entry for entry in old_files(*given) if entry.name.rpartition("/")[2] in own]
    )
    with app.flask_app.test_request_context():
        jobs.tidy()
    assert [there(refused), there(other)] == [[False, False], [True, True]]
