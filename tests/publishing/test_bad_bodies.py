"""Bodies that are meant to break something, or were sent by mistake: each gets a problem object, in the reader's language."""

from __future__ import annotations

import gzip
import json
from typing import Any
from uuid import uuid4

import pytest
from ckanext.kzopen.publishing.bodies import Body

from tests.publishing.conftest import SCHOOLS, Agency, Api, passport

HEADER = b"bin,name,pupils\n"


def refused(api: Api, answer: Any) -> dict[str, Any]:
    """The report of a refused delivery, however long the worker took."""
    told = answer.json
    if answer.status_code == 422:
        return dict(told["report"])
    assert told["state"] == "refused", told
    return dict(api.get(f"/deliveries/{told['id']}/report").json)


def test_a_bomb_is_refused_and_unpacked_no_further_than_it_may(api: Api, uri: str) -> None:
    bomb = gzip.compress(HEADER + b"0" * (300 << 20))
    assert len(bomb) < 1 << 20

    report = refused(api, api.post(uri, bomb))

    assert report["counts"] == {"compression-error": 1}
    assert "compression-error" in report["findings"][0]["code"]


def test_a_packed_table_is_taken(api: Api, uri: str) -> None:
    assert api.delivery(uri, gzip.compress(SCHOOLS), Content_Type="application/gzip")["state"] == "accepted"
    packed = {"Content_Type": "text/csv", "Content_Encoding": "gzip"}
    assert api.delivery(uri, gzip.compress(SCHOOLS), **packed)["state"] == "accepted"


def test_a_hundred_thousand_keys_are_refused(api: Api, uri: str) -> None:
    body = json.dumps([{f"k{number}": 1 for number in range(100_000)}]).encode()

    report = refused(api, api.post(uri, body, Content_Type="application/json"))

    assert report["counts"] == {"table-dimensions": 1}


def test_a_hundred_thousand_keys_in_a_passport_are_told_a_hundred_times(api: Api, agency: Agency) -> None:
    body = passport(agency.name) | {f"k{number}": 1 for number in range(60_000)}

    answer = api.put(f"keys-{uuid4().hex[:8]}", body)

    assert (answer.status_code, answer.json["code"], len(answer.json["errors"])) == (400, "web.bad_input", 101)
    assert answer.json["errors"][-1]["code"] == "publishing.too_many_mistakes"
    assert len(answer.data) < 100_000


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_deep_json_is_refused(api: Api, uri: str, agency: Agency, body: bytes) -> None:
    answer = api.call("PUT", f"/datasets/deep-{agency.name}", data=body, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (400, "web.bad_input")
    assert refused(api, api.post(uri, body, Content_Type="application/json"))["counts"] == {"format-error": 1}


def test_a_passport_may_have_a_megabyte(api: Api, agency: Agency) -> None:
    body = json.dumps(passport(agency.name) | {"license": "x" * (1 << 20)})

    answer = api.call("PUT", f"/datasets/long-{agency.name}", data=body, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (413, "publishing.too_large")


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (SCHOOLS, "application/json", "publishing.not_as_told"),
        (SCHOOLS, "application/vnd.apache.parquet", "publishing.not_as_told"),
        (SCHOOLS, "application/gzip", "publishing.not_as_told"),
        (b"PK\x03\x04 and more", "text/csv", "publishing.not_as_told"),
        (SCHOOLS, "image/png", "publishing.not_accepted"),
        (SCHOOLS, "text/html", "publishing.not_accepted"),
        (SCHOOLS, "application/pdf", "publishing.not_accepted"),
    ],
)
def test_a_body_that_is_not_what_its_header_says_is_refused(
    api: Api, uri: str, body: bytes, media_type: str, code: str
) -> None:
    answer = api.post(uri, body, Content_Type=media_type)

    assert (answer.status_code, answer.json["code"]) == (415, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "application/octet-stream", "text/plain"])
def test_a_header_that_says_nothing_leaves_it_to_the_bytes(api: Api, uri: str, media_type: str) -> None:
    assert api.delivery(uri, SCHOOLS, Content_Type=media_type)["state"] == "accepted"


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-8-sig"])
def test_kazakh_in_other_encodings_is_read_or_refused_never_garbled(api: Api, uri: str, encoding: str) -> None:
    text = "bin,name,pupils\n000140000012,Школа имени Абая,640\n000140000092,Гимназия искусств,1210\n"

    delivery = api.delivery(uri, text.encode(encoding))

    assert delivery["state"] == "accepted", delivery
    assert "Гимназия искусств" in api.app.get(f"/data/{uri}.csv").body


def test_bytes_of_no_encoding_are_refused(api: Api, uri: str) -> None:
    report = refused(api, api.post(uri, HEADER + b"000140000012,\xff\xfe\x00\x01\x80,1\n"))

    assert set(report["counts"]) <= {"encoding-error", "format-error"}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "Мәнді тізімнен таңдаңыз"),
        ("ru", "Выберите значение из списка"),
        ("en", "Choose a value of the list"),
    ],
)
def test_problems_are_told_in_three_languages(app: Any, agency: Agency, uri: str, language: str, sentence: str) -> None:
    answer = Api(app, agency.token, language).post(uri, SCHOOLS, "?mode=merge")

    assert answer.headers["Content-Language"] == language
    assert sentence in answer.json["detail"]


def test_limits_are_told_and_a_request_too_many_gets_429(
    app: Any, api: Api, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ckan.plugins.toolkit as tk

    first = api.post(uri, SCHOOLS)
    assert int(first.headers["RateLimit-Limit"]) == 3000
    assert first.headers["Upload-Limit"] == "max-size=2147483648"
    monkeypatch.setitem(tk.config, "kzopen.requests_a_minute", 1)

    answers = [api.call("GET", f"/deliveries/{uuid4()}") for _ in range(3)]

    assert answers[-1].status_code == 429
    assert answers[-1].json["code"] == "publishing.too_many_requests"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


def test_large_bodies_at_once_are_few(app: Any, api: Api, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import ckan.plugins.toolkit as tk

    monkeypatch.setitem(tk.config, "kzopen.bodies_at_once", 0)

    answer = api.post(uri, SCHOOLS + b" " * (1 << 20))

    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (429, "publishing.too_many_bodies", "5")
    assert api.post(uri, SCHOOLS).status_code in (200, 202)


class Stream:
    """A body of which the web server says at some moment that it does not go on."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, _: int = -1, /) -> bytes:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"), [(TimeoutError(), "publishing.stalled"), (ConnectionResetError(), "publishing.cut_off")]
)
def test_what_the_web_server_says_of_a_broken_body_is_told(error: Exception, code: str) -> None:
    from ckanext.kzopen.core.web.errors import KzError

    with pytest.raises(KzError) as caught:
        Body(Stream(error), 30, 100).read()

    assert caught.value.code == code
