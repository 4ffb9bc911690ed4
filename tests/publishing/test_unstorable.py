"""No delivery is tried for ever because of what is in it: what the databases cannot keep is a finding, with its row.

Values that frictionless reads and nothing holds are in `tests/validation/test_held.py`.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing import listings, process, receive
from ckanext.kzopen.publishing.datasets import known_passport
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.validation import pieces
from ckanext.kzopen.validation.lengths import LONGEST
from openpyxl import Workbook

from tests.publishing.conftest import Agency, Answer, Api, passport
from tests.publishing.test_deliver import rows_in_datastore
from tests.publishing.test_looked_up import indexed

Send = Callable[..., Delivery]
Row = Mapping[str, Any]
FIELDS = {"id": {"type": "string"}, "code": {"type": "string"}, "n": {"type": "integer"}}


@pytest.fixture
def send(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Gives bytes to a data set and processes them here: what would be tried again is raised in the test."""
    monkeypatch.setattr(receive, "defer_check", lambda session, delivery: None)

    def sent(uri: str, body: bytes, mode: str = "replace") -> Delivery:
        with app.flask_app.test_request_context():
            session, site = model.Session(), configured()
            sending = receive.Sending(mode, sender="tester", source="api")
            passport = known_passport(session, uri)
            told = receive.deliver(session, site.files_url, passport, sending, io.BytesIO(body), site.largest)
            number: UUID = told.delivery.id
            process.process(session, site, number)
            session.expire_all()
            return session.get_one(Delivery, number)

    return sent


def found(delivery: Delivery) -> list[tuple[str, str, int | None, str | None]]:
    """Code, reason, row and field of the findings of a refused delivery."""
    assert delivery.state == "refused", (delivery.state, delivery.report)
    assert delivery.report is not None
    return [(one["code"], one["reason"], one["row"], one["field"]) for one in delivery.report["findings"]]


def table(api: Api, agency: Agency, uri: str, fields: Mapping[str, Answer], key: list[str]) -> str:
    """A data set of these columns, or its passport changed."""
    described = [{"name": name, **field} for name, field in fields.items()]
    made = api.put(uri, passport(agency.name, described, key))
    assert made.status_code in (200, 201), made.json
    return uri


def marked(*names: str) -> dict[str, Answer]:
    return {name: field | ({"indexed": True} if name in names else {}) for name, field in FIELDS.items()}


def letters(size: int, seed: int = 1) -> str:
    """A text of so many bytes that cannot be packed."""
    chosen = random.Random(seed)
    return "".join(chr(chosen.randrange(0x430, 0x52F)) for _ in range(size // 2)) + "x" * (size % 2)


def rows(*codes: str) -> list[Row]:
    return [{"id": f"r{n}", "code": code, "n": n} for n, code in enumerate(codes, 1)]


def as_csv(several: Iterable[Row]) -> bytes:
    lines = [",".join(FIELDS), *(",".join(str(row[name]) for name in FIELDS) for row in several)]
    return "\n".join(lines).encode()


def as_json(several: Iterable[Row]) -> bytes:
    return json.dumps(list(several)).encode()


def as_xlsx(several: Iterable[Row]) -> bytes:
    book, sink = Workbook(), io.BytesIO()
    book.active.append(list(FIELDS))
    for row in several:
        book.active.append(list(row.values()))
    book.save(sink)
    return sink.getvalue()


def as_parquet(several: Iterable[Row]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(several)), sink)
    return sink.getvalue()


FITS, LONG = letters(LONGEST), letters(LONGEST + 2)


@pytest.mark.parametrize(("key", "looked_up"), [(["code"], ()), (["id"], ("code",))], ids=["key", "looked up"])
@pytest.mark.parametrize("form", [as_csv, as_json, as_xlsx, as_parquet])
def test_a_value_too_long_for_an_index_is_told_with_its_row_in_each_mode(
    api: Api, agency: Agency, uri: str, send: Send, form: Any, key: list[str], looked_up: tuple[str, ...]
) -> None:
    table(api, agency, uri, marked(*looked_up), key)
    assert send(uri, form(rows("a", FITS))).state == "accepted"

    for mode in ("replace", "append", "upsert"):
        delivery = send(uri, form([{"id": f"{mode}{n}", "code": one, "n": n} for n, one in enumerate([mode, LONG])]), mode)

        assert found(delivery) == [("cell-error", "long-key", 3, "code")]
        assert delivery.report is not None
        assert delivery.report["findings"][0]["params"] == {"size": str(LONGEST + 2), "limit": str(LONGEST)}
    assert api.get(f"/datasets/{uri}").json["version"]["number"] == 1
    told = api.get(f"/deliveries/{delivery.id}/report").json["findings"][0]
    assert str(LONGEST) in told["sentence"]


def test_a_key_of_several_columns_is_as_long_as_all_of_them(api: Api, agency: Agency, uri: str, send: Send) -> None:
    fields = {"id": {"type": "string"}, "code": {"type": "string"}, "n": {"type": "integer"}}
    table(api, agency, uri, fields, ["id", "code", "n"])
    half = LONGEST // 2

    delivery = send(uri, as_csv([{"id": letters(half, n), "code": letters(half - 100 * n, n), "n": n} for n in range(3)]))

    assert found(delivery) == [("cell-error", "long-key", 2, "id, code, n")]


def test_all_rows_with_a_long_key_are_counted_and_listed(
    api: Api, agency: Agency, uri: str, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckanext.kzopen.publishing.findings.LISTED", 3)
    table(api, agency, uri, marked("code"), ["id"])

    delivery = send(uri, as_csv(rows(*(letters(LONGEST + n % 2 * 2, n) for n in range(20)))))

    assert delivery.report is not None
    assert (delivery.wrong, delivery.report["counts"], delivery.report["listed"]) == (10, {"cell-error": 10}, 10)
    kept = listings.read(configured().files_url, delivery.path, 0, 20)
    assert [finding.row for finding in kept] == list(range(3, 22, 2))


def test_a_long_key_of_a_large_file_is_told_too(
    api: Api, agency: Agency, uri: str, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "SMALLEST", 10_000)
    monkeypatch.setattr(pieces, "PIECE", 5_000)
    table(api, agency, uri, marked("code"), ["id"])

    assert send(uri, as_csv(rows(*(letters(1000, n) for n in range(20))))).state == "accepted"
    delivery = send(uri, as_csv(rows(*(letters(1000, n) for n in range(20)), LONG)))

    assert found(delivery) == [("cell-error", "long-key", 22, "code")]


@pytest.mark.parametrize("large", [False, True], ids=["whole", "change"])
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_published_rows_that_are_too_long_for_a_new_mark_are_told(
    api: Api, agency: Agency, uri: str, send: Send, monkeypatch: pytest.MonkeyPatch, mode: str, large: bool
) -> None:
    if large:
        monkeypatch.setattr("ckanext.kzopen.rows.changes.SMALLEST", 5)
    table(api, agency, uri, marked(), ["id"])
    send(uri, as_csv(rows(LONG, *"abcdefghijklmnopqrst", LONG)))
    table(api, agency, uri, marked("code"), ["id"])

    delivery = send(uri, as_csv([{"id": "new", "code": "b", "n": 3}]), mode)

    assert found(delivery) == [("schema-error", "published-too-long", None, "code")]
    table(api, agency, uri, marked(), ["id"])
    assert send(uri, as_csv([{"id": "new", "code": "b", "n": 3}]), mode).state == "accepted"
    table(api, agency, uri, marked("code"), ["id"])
    assert send(uri, as_csv(rows(*"abcdefghijklmnopqrst"))).state == "accepted"
    assert indexed(uri) == {"id": True, "code": False}


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_large_table_is_not_written_again_for_a_new_mark(
    api: Api, agency: Agency, uri: str, send: Send, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr("ckanext.kzopen.rows.changes.SMALLEST", 5)
    table(api, agency, uri, marked(), ["id"])
    send(uri, as_csv(rows(*"abcdefghijklmnopqrst")))
    table(api, agency, uri, marked("code", "n"), ["id"])
    monkeypatch.delattr("ckanext.kzopen.publishing.accept._publish_whole")

    delivery = send(uri, as_csv([{"id": "new", "code": "b", "n": 3}]), mode)

    assert (delivery.state, delivery.added) == ("accepted", 1)


def test_a_new_key_that_repeats_in_published_rows_is_told(api: Api, agency: Agency, uri: str, send: Send) -> None:
    table(api, agency, uri, marked(), ["id"])
    send(uri, as_csv(rows("a", "a", "b")))
    table(api, agency, uri, marked(), ["code"])

    for mode in ("append", "upsert", "delete"):
        body = as_csv([{"id": "new", "code": "c", "n": 3}]) if mode != "delete" else b"code\nb\n"
        assert found(send(uri, body, mode)) == [("schema-error", "published-repeats", None, "code")]
    assert send(uri, as_csv(rows("a", "b"))).state == "accepted"


def test_a_large_table_without_its_key_any_more_takes_its_rows_again(
    api: Api, agency: Agency, uri: str, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckanext.kzopen.rows.changes.SMALLEST", 5)
    table(api, agency, uri, marked("code"), ["id"])
    send(uri, as_csv(rows(*"abcdefghijklmnopqrst")))
    table(api, agency, uri, marked(), [])

    delivery = send(uri, as_csv(rows("a")), "append")

    assert (delivery.state, delivery.added) == ("accepted", 1)


ODD = ("\\.", "\\N", '"', "a\n\\.\nb", "'", "$$", "%s", "\u2028", "\ufeff", "ж" * 300_000)


def test_texts_that_mean_something_to_databases_are_texts(
    app: CKANTestApp, api: Api, agency: Agency, uri: str, send: Send
) -> None:
    table(api, agency, uri, marked(), ["id"])

    assert send(uri, as_json(rows(*ODD))).state == "accepted"
    assert [row["code"] for row in rows_in_datastore(app, uri)] == list(ODD)


WORD = "".join(map(chr, range(0x20000, 0x20010)))


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"{letters(10, n)}-{letters(10, -n)}" for n in range(12_000)),
        " ".join(f"{n:x}.kz/{n:x}" for n in range(21_000)),
        " ".join(f"{WORD}{chr(0x20000 + n)}-{WORD}{chr(0x21000 + n)}" for n in range(4_000)),
    ],
    ids=["hyphens", "addresses", "four bytes"],
)
def test_the_words_of_a_long_text_are_never_too_many(api: Api, agency: Agency, uri: str, send: Send, text: str) -> None:
    table(api, agency, uri, marked(), ["id"])

    assert send(uri, as_json(rows(text[:240_000]))).state == "accepted"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'[{"id": "a", "code": "b", "n": "1\\u0000"}]', [("type-error", "integer", 2, "n")]),
        (b'[{"id": "a", "code": "b\\u0000", "n": 1}]', [("cell-error", "nul", 2, "code")]),
        (b'[{"id": "a", "code": "b", "n": 1, "x\\u0000": 1}]', [("extra-label", "", None, None)]),
    ],
    ids=["cell", "text", "label"],
)
def test_a_report_that_quotes_what_cannot_be_kept_is_kept(
    api: Api, agency: Agency, uri: str, send: Send, body: bytes, told: Any
) -> None:
    table(api, agency, uri, marked(), ["id"])

    delivery = send(uri, body)

    assert found(delivery) == told
    assert "\0" not in json.dumps(delivery.report, ensure_ascii=False)


def test_a_report_quotes_no_megabytes(api: Api, agency: Agency, uri: str, send: Send) -> None:
    table(api, agency, uri, marked(), ["id"])

    delivery = send(uri, as_json([{"id": "a", "code": "b", "n": "x" * 1_000_000}]))

    assert found(delivery) == [("type-error", "integer", 2, "n")]
    assert len(json.dumps(delivery.report)) < 50_000


def test_rows_that_are_too_wide_for_a_page_are_refused(api: Api, agency: Agency, uri: str, send: Send) -> None:
    fields = {f"c{n}": {"type": "string"} for n in range(900)}
    table(api, agency, uri, fields, ["c0"])

    delivery = send(uri, json.dumps([dict.fromkeys(fields, "0123456789")]).encode())

    assert found(delivery) == [("source-error", "not-kept", None, None)]
    assert delivery.report is not None
    assert "row is too big" in delivery.report["findings"][0]["note"]


@pytest.mark.parametrize(("mode", "n"), product(("replace", "upsert", "append", "delete"), ("9" * 30, "9" * 50)))
def test_a_number_that_is_larger_than_those_before_is_decided_on(
    api: Api, agency: Agency, uri: str, send: Send, mode: str, n: str
) -> None:
    table(api, agency, uri, marked(), ["n"])
    send(uri, as_csv(rows("a", "b")))

    delivery = send(uri, f"id,code,n\nx,y,{n}\n".encode() if mode != "delete" else f"n\n{n}\n".encode(), mode)

    assert delivery.state in ("accepted", "refused")


def test_keys_to_delete_are_found_whatever_stands_beside_them(
    app: CKANTestApp, api: Api, agency: Agency, uri: str, send: Send
) -> None:
    table(api, agency, uri, marked(), ["n"])
    send(uri, as_csv(rows("a", "b", "c", "d")))

    delivery = send(uri, f"n\n2\n{'9' * 30}\n".encode(), "delete")

    assert (delivery.state, delivery.removed) == ("accepted", 1)
    assert [row["code"] for row in rows_in_datastore(app, uri)] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("fields", "key", "code"),
    [
        ({f"c{n}": {"type": "string"} for n in range(40)}, [f"c{n}" for n in range(33)], "publishing.input_key_wide"),
        ({"a": {"type": "string"}, "o": {"type": "object"}}, ["a", "o"], "publishing.input_key_nested"),
    ],
    ids=["wide", "nested"],
)
def test_a_key_of_which_no_index_can_be_made_is_told_with_the_passport(
    api: Api, agency: Agency, uri: str, fields: dict[str, Answer], key: list[str], code: str
) -> None:
    described = [{"name": name, **field} for name, field in fields.items()]

    answer = api.put(uri, passport(agency.name, described, key))

    assert (answer.status_code, [error["code"] for error in answer.json["errors"]]) == (400, [code])
