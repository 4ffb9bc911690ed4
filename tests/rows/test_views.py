"""Addresses of downloads: who may have what, and for how long it may be kept."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckan import model
from ckan.tests import factories
from ckanext.kzopen.rows.model import latest, numbered

from tests.rows.conftest import TABLE, Publish


def test_numbers_count_from_one_and_the_latest_is_found(uri: str, publish: Publish) -> None:
    assert publish().number == 1
    second = publish()
    assert (second.number, latest(model.Session(), uri).number) == (2, 2)
    assert numbered(model.Session(), uri, 1).number == 1
    assert latest(model.Session(), "other") is None


@pytest.mark.parametrize(
    ("ending", "media_type", "content"),
    [
        ("csv", "text/csv; charset=utf-8", b"\xef\xbb\xbf" + b'"bin","note"\n"000140000012","\'=1+1"\n'),
        ("json", "application/json", b'[\n{"bin":"000140000012","note":"=1+1"}\n]\n'),
        ("ndjson", "application/x-ndjson", b'{"bin":"000140000012","note":"=1+1"}\n'),
    ],
)
def test_the_current_version_in_each_form(
    app: Any, uri: str, publish: Publish, ending: str, media_type: str, content: bytes
) -> None:
    publish()
    answer = app.get(f"/data/{uri}.{ending}")
    assert (answer.status_code, answer.headers["Content-Type"], answer.data) == (200, media_type, content)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{uri}-v1.{ending}"'


def test_the_raw_csv_leaves_texts_as_they_are(app: Any, uri: str, publish: Publish) -> None:
    publish()
    assert app.get(f"/data/{uri}.csv?raw=1").data == b'"bin","note"\n"000140000012","=1+1"\n'


def test_parquet_is_the_very_file_and_takes_ranges(app: Any, uri: str, publish: Publish) -> None:
    version = publish()
    whole = app.get(f"/data/{uri}/v1.parquet")
    assert pq.read_table(io.BytesIO(whole.data)).equals(TABLE)
    assert len(whole.data) == version.size
    part = app.get(f"/data/{uri}/v1.parquet", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.data) == (206, b"PAR1")


def test_an_old_version_stays_and_may_be_kept_for_ever(app: Any, uri: str, publish: Publish) -> None:
    publish()
    publish(table=pa.table({"bin": ["990240000415"], "note": ["x"]}))
    old = app.get(f"/data/{uri}/v1.ndjson")
    assert b"000140000012" in old.data
    assert old.headers["Cache-Control"] == "public, max-age=31536000, s-maxage=30, immutable"
    assert b"990240000415" in app.get(f"/data/{uri}.ndjson").data


def test_an_unchanged_table_is_not_sent_again(app: Any, uri: str, publish: Publish) -> None:
    publish()
    first = app.get(f"/data/{uri}.csv")
    again = app.get(f"/data/{uri}.csv", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Cache-Control"] == "public, no-cache"
    publish(table=pa.table({"bin": ["990240000415"], "note": ["x"]}))
    assert app.get(f"/data/{uri}.csv", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_what_a_user_may_see_is_not_kept_by_caches_in_between(app: Any, uri: str, publish: Publish) -> None:
    publish(private=True)
    user = factories.SysadminWithToken(password="walnut-harbour-velvet", about="")
    answer = app.get(f"/data/{uri}/v1.csv", headers={"Authorization": user["token"]})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, max-age=31536000, s-maxage=30, immutable")


def test_each_form_has_a_tag_of_its_own(app: Any, uri: str, publish: Publish) -> None:
    publish()
    tags = {app.get(f"/data/{uri}.{form}").headers["ETag"] for form in ("csv", "csv?raw=1", "json", "ndjson", "parquet")}
    assert len(tags) == 5


def test_a_private_table_does_not_exist_for_strangers(app: Any, uri: str, publish: Publish) -> None:
    publish(private=True)
    for address in (f"/data/{uri}.csv", f"/data/{uri}/v1.parquet"):
        answer = app.get(address, status=404)
        assert answer.json["code"] == "web.not_found"


@pytest.mark.parametrize("address", ["/data/none.csv", "/data/{uri}/v9.csv", "/data/{uri}.exe", "/data/{uri}/v1.sqlite"])
def test_what_does_not_exist_is_told_as_a_problem(app: Any, uri: str, publish: Publish, address: str) -> None:
    publish()
    answer = app.get(address.format(uri=uri), status=404)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_deleted_data_set_is_no_longer_given(app: Any, uri: str, publish: Publish) -> None:
    publish()
    model.Package.get(uri).state = "deleted"
    model.Session.commit()
    assert app.get(f"/data/{uri}.csv", status=404).status_code == 404
