"""Who may publish: an editor of the owner, by API token, never by a session cookie."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people.second_factor.model import SecondFactor

from tests.publishing.conftest import BASE, SCHOOLS, Agency, Api, new_agency, passport


@pytest.mark.parametrize(("method", "path"), [("PUT", "/datasets/{uri}"), ("POST", "/datasets/{uri}/rows")])
def test_without_a_token_nothing_is_written(anyone: Api, uri: str, method: str, path: str) -> None:
    answer = anyone.call(method, path.format(uri=uri), data=b"{}")

    assert (answer.status_code, answer.json["code"]) == (401, "publishing.no_token")


def test_a_token_that_nobody_issued_is_refused(app: CKANTestApp, uri: str) -> None:
    answer = Api(app, "not-a-token").post(uri, SCHOOLS)

    assert (answer.status_code, answer.json["code"]) == (401, "publishing.bad_token")


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer "])
def test_a_token_may_be_written_plain_or_as_a_bearer(app: CKANTestApp, agency: Agency, uri: str, prefix: str) -> None:
    answer = Api(app, prefix + agency.token).put(uri, passport(agency.name))

    assert answer.status_code == 200


def test_another_agencys_token_may_not_send_rows(app: CKANTestApp, other_agency: Agency, uri: str) -> None:
    answer = Api(app, other_agency.token).post(uri, SCHOOLS)

    assert (answer.status_code, answer.json["code"]) == (403, "publishing.not_the_owner")


def test_another_agencys_token_may_not_change_the_passport(app: CKANTestApp, other_agency: Agency, uri: str) -> None:
    answer = Api(app, other_agency.token).put(uri, passport(other_agency.name))

    assert (answer.status_code, answer.json["code"]) == (403, "publishing.not_the_owner")


def test_a_token_may_not_publish_for_an_agency_it_does_not_belong_to(api: Api, other_agency: Agency) -> None:
    answer = api.put("somebody-elses", passport(other_agency.name))

    assert (answer.status_code, answer.json["code"]) == (403, "publishing.not_the_owner")


def test_a_member_without_the_right_to_edit_may_not_publish(app: CKANTestApp) -> None:
    member = new_agency(app, role="member")

    answer = Api(app, member.token).put("by-a-member", passport(member.name))

    assert (answer.status_code, answer.json["code"]) == (403, "publishing.not_the_owner")


def test_a_revoked_token_is_refused(app: CKANTestApp, agency: Agency, uri: str) -> None:
    with app.flask_app.test_request_context():
        tk.get_action("api_token_revoke")({"ignore_auth": True, "user": agency.user}, {"token": agency.token})

    assert Api(app, agency.token).post(uri, SCHOOLS).json["code"] == "publishing.bad_token"


def test_a_persons_token_publishes_with_the_second_factor_that_the_role_asks_for(
    app: CKANTestApp, agency: Agency, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "kzopen.require_second_factor", True)
    api = Api(app, f"Bearer {agency.token}")
    refused = api.post(uri, SCHOOLS)
    assert (refused.status_code, refused.json["code"]) == (403, "people.token_only_reads")
    assert api.get(f"/datasets/{uri}").status_code == 200
    model.Session.add(SecondFactor(user_id=model.User.get(agency.user).id, secret="x", last_step=0))
    model.Session.commit()
    assert api.post(uri, SCHOOLS).status_code in (200, 202)


def test_a_session_cookie_alone_never_writes(app: CKANTestApp, agency: Agency, uri: str) -> None:
    signed_in = app.test_client(user=model.User.get(agency.user))

    answer = signed_in.open(f"{BASE}/datasets/{uri}/rows", method="POST", data=SCHOOLS)

    assert (answer.status_code, answer.json["code"]) == (401, "publishing.no_token")


def test_a_delivery_is_shown_to_its_agency_only(
    api: Api, app: CKANTestApp, other_agency: Agency, anyone: Api, uri: str
) -> None:
    number = api.delivery(uri, SCHOOLS)["id"]

    assert api.get(f"/deliveries/{number}").status_code == 200
    assert Api(app, other_agency.token).get(f"/deliveries/{number}").json["code"] == "publishing.not_readable"
    assert anyone.get(f"/deliveries/{number}/report").json["code"] == "publishing.no_token"
