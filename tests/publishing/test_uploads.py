"""Large bodies in parts: they go on where they stopped, and nothing is published before all is there."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import inbox, receive, uploads
from ckanext.kzopen.publishing.model import Passport, Upload
from ckanext.kzopen.publishing.site import configured

from tests.publishing.conftest import SCHOOLS, Agency, Api, new_agency

SHA256 = hashlib.sha256(SCHOOLS).hexdigest()


def begin(api: Api, uri: str, length: int = len(SCHOOLS), **more: Any) -> Any:
    return api.call("POST", "/uploads", json={"dataset": uri, "length": length, **more})


def part(api: Api, number: str, offset: int, body: bytes) -> Any:
    return api.call("PUT", f"/uploads/{number}", data=body, headers={"Upload-Offset": str(offset)})


def complete(api: Api, number: str, sha256: str = SHA256) -> Any:
    return api.call("POST", f"/uploads/{number}/complete", json={"sha256": sha256})


@pytest.fixture
def number(api: Api, uri: str) -> str:
    answer = begin(api, uri)
    assert answer.status_code == 201, answer.json
    assert answer.headers["Location"].endswith(answer.json["id"])
    return str(answer.json["id"])


def test_parts_become_one_delivery(api: Api, uri: str, number: str) -> None:
    assert part(api, number, 0, SCHOOLS[:30]).headers["Upload-Offset"] == "30"
    assert part(api, number, 30, SCHOOLS[30:]).json["received"] == len(SCHOOLS)

    delivery = api.decided(complete(api, number)).json

    assert (delivery["state"], delivery["rows"], delivery["sha256"], delivery["id"]) == ("accepted", 3, SHA256, number)


def test_it_goes_on_where_it_stopped(api: Api, number: str) -> None:
    part(api, number, 0, SCHOOLS[:30])

    told = api.call("HEAD", f"/uploads/{number}")

    assert (told.headers["Upload-Offset"], told.headers["Upload-Length"]) == ("30", str(len(SCHOOLS)))
    wrong = part(api, number, 10, SCHOOLS[10:])
    assert (wrong.status_code, wrong.json["code"], wrong.headers["Upload-Offset"]) == (409, "publishing.upload_offset", "30")


def test_nothing_is_published_before_all_is_there(api: Api, uri: str, number: str) -> None:
    part(api, number, 0, SCHOOLS[:30])

    assert complete(api, number).json["code"] == "publishing.upload_incomplete"
    assert api.get(f"/datasets/{uri}").json["version"] is None


def test_completing_twice_is_one_delivery(api: Api, number: str) -> None:
    part(api, number, 0, SCHOOLS)
    first = complete(api, number)
    api.decided(first)

    again = complete(api, number)

    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (first.json["id"], "true")
    assert part(api, number, len(SCHOOLS), b"x").json["code"] == "publishing.upload_complete"
    assert api.get(f"/deliveries/{number}").json["version"]["number"] == 1


def test_a_wrong_checksum_asks_for_the_body_again(api: Api, number: str) -> None:
    part(api, number, 0, SCHOOLS)

    assert complete(api, number, "0" * 64).json["code"] == "publishing.upload_hash"
    assert api.get(f"/uploads/{number}").json["received"] == 0
    part(api, number, 0, SCHOOLS)
    assert api.decided(complete(api, number)).json["state"] == "accepted"


def test_a_part_beyond_the_end_is_refused(api: Api, number: str) -> None:
    assert part(api, number, 0, SCHOOLS + b"x").json["code"] == "publishing.upload_beyond"
    assert api.get(f"/uploads/{number}").json["received"] == 0


@pytest.mark.parametrize("offset", ["", "-1", "x", "9" * 30])
def test_an_offset_is_a_number(api: Api, number: str, offset: str) -> None:
    answer = api.call("PUT", f"/uploads/{number}", data=b"x", headers={"Upload-Offset": offset})

    assert (answer.status_code, answer.json["code"]) == (400, "publishing.upload_bad_offset")


def test_an_upload_is_its_senders_alone(app: CKANTestApp, number: str) -> None:
    stranger = Api(app, new_agency(app).token)

    assert stranger.get(f"/uploads/{number}").json["code"] == "publishing.unknown_upload"
    assert part(stranger, number, 0, b"x").status_code == 404
    assert complete(stranger, number).status_code == 404


def test_what_is_wrong_is_told_before_a_byte_is_sent(api: Api, uri: str, agency: Agency) -> None:
    assert begin(api, uri, length=1 << 40).json["code"] == "publishing.too_large"
    assert begin(api, uri, media_type="image/png").json["code"] == "publishing.not_accepted"
    assert begin(api, uri, mode="merge").json["code"] == "web.bad_input"
    assert begin(api, f"none-{agency.name}").json["code"] == "publishing.unknown_dataset"


def test_the_key_of_an_upload_counts(api: Api, uri: str) -> None:
    key = uuid4().hex
    first = api.delivery(uri, SCHOOLS, Idempotency_Key=key)
    number = begin(api, uri, idempotency_key=key).json["id"]
    part(api, number, 0, SCHOOLS)

    assert complete(api, number).json["id"] == first["id"]


def test_an_upload_without_parts_expires(app: CKANTestApp, api: Api, number: str) -> None:
    part(api, number, 0, SCHOOLS[:30])
    upload = model.Session.get_one(Upload, UUID(number))
    upload.expires = datetime.now(UTC) - timedelta(seconds=1)
    model.Session.commit()
    with app.flask_app.test_request_context():
        assert uploads.throw_away_expired(model.Session(), configured(), datetime.now(UTC)) >= 1
        place = uploads._path(configured(), model.Session.get_one(Upload, UUID(number)))

    assert not place.exists()
    assert part(api, number, 30, SCHOOLS[30:]).status_code == 410


def test_one_part_at_a_time(app: CKANTestApp, api: Api, number: str) -> None:
    upload = model.Session.get_one(Upload, UUID(number))
    with app.flask_app.test_request_context(), uploads._held(model.Session(), configured(), upload):
        assert part(api, number, 0, SCHOOLS).json["code"] == "publishing.upload_busy"


def test_bytes_that_were_not_noted_before_a_death_are_written_over(app: CKANTestApp, api: Api, number: str) -> None:
    with app.flask_app.test_request_context():
        upload = model.Session.get_one(Upload, UUID(number))
        path = uploads._path(configured(), upload)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rubbish of a process that died before it noted them, longer than the whole body will be" * 3)
        model.Session.commit()

    part(api, number, 0, SCHOOLS)

    assert api.decided(complete(api, number)).json["state"] == "accepted"


def test_a_death_between_adoption_and_commit_loses_nothing(app: CKANTestApp, api: Api, number: str) -> None:
    part(api, number, 0, SCHOOLS)
    with app.flask_app.test_request_context():
        upload = model.Session.get_one(Upload, UUID(number))
        inbox.adopt(configured().files_url, upload.id, uploads._path(configured(), upload), SHA256)
        model.Session.rollback()

    delivery = api.decided(complete(api, number)).json

    assert (delivery["state"], delivery["version"]["number"]) == ("accepted", 1)


def test_a_cut_part_keeps_what_came(app: CKANTestApp, api: Api, number: str) -> None:
    class Cut:
        def __init__(self) -> None:
            self.left = [SCHOOLS[:40]]

        def read(self, _: int = -1, /) -> bytes:
            if self.left:
                return self.left.pop()
            raise KzError("publishing.cut_off", size=40, expected=len(SCHOOLS))

    with app.flask_app.test_request_context():
        upload = model.Session.get_one(Upload, UUID(number))
        with pytest.raises(KzError):
            uploads.take_part(model.Session(), configured(), upload, 0, Cut(), None, 1)

    assert api.get(f"/uploads/{number}").json["received"] == 40


def test_a_body_that_is_not_as_told_ends_the_upload(api: Api, uri: str) -> None:
    number = begin(api, uri, media_type="application/json").json["id"]
    part(api, number, 0, SCHOOLS)

    assert complete(api, number).json["code"] == "publishing.not_as_told"
    assert api.get(f"/uploads/{number}").status_code == 410


def test_a_delivery_may_come_from_a_file_in_this_process(app: CKANTestApp, agency: Agency, api: Api, uri: str) -> None:
    import io

    with app.flask_app.test_request_context():
        site = configured()
        passport = model.Session.get_one(Passport, model.Package.get(uri).id)
        sending = receive.Sending("replace", sender="system:harvest", source="harvest")
        made = receive.deliver(model.Session(), site.files_url, passport, sending, io.BytesIO(SCHOOLS), site.largest)
        number = made.delivery.id

    assert json.loads(api.get(f"/deliveries/{number}").data)["dataset"] == uri
