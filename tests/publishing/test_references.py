"""A table whose codes are those of a reference table: unknown codes are refused, labels are joined when it is read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.forms import values_of
from ckanext.kzopen.publishing.harvest.reference import SCHEMA

from tests.publishing.conftest import Agency, Api, passport
from tests.publishing.test_staff_pages import Browser, page, words

REGIONS = (
    "code,parent,name_kk,name_ru,name_en,valid_from,valid_until,kato\n"
    "10,,Абай облысы,Абайская область,,2022-06-08,,\n"
    "71,,Нұр-Сұлтан,Нур-Султан,,2019-03-23,2022-09-16,\n"
    "71,,Астана,Астана,Astana,2022-09-17,,\n"
    "99,,Жабылған,Упразднён,,2000-01-01,2010-01-01,\n"
)


def published(api: Api, owner: str) -> tuple[str, str]:
    """A reference table and a table that refers to it."""
    reference, table = f"ref-{owner[-10:]}", f"table-{owner[-10:]}"
    told = passport(owner) | {"schema": SCHEMA}
    assert api.put(reference, told).status_code == 201
    assert api.delivery(reference, REGIONS.encode())["state"] == "accepted"
    fields = [{"name": "kato", "type": "string"}, {"name": "people", "type": "integer"}]
    key: dict[str, Any] = {"fields": "kato", "reference": {"resource": reference, "fields": "code"}}
    assert api.put(table, passport(owner) | {"schema": {"fields": fields, "foreignKeys": [key]}}).status_code == 201
    return reference, table


def test_codes_are_checked_on_publishing_and_told_in_words_when_read(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    reference, table = published(api, agency.name)
    refused = api.post(table, b"kato,people\n10,600000\n99,5\n77,1\n").json
    assert refused["code"] == "publishing.refused"
    found = [(one["row"], one["field"], one["cell"], one["code"]) for one in refused["report"]["findings"]]
    assert found == [(3, "kato", "99", "foreign-key"), (4, "kato", "77", "foreign-key")]
    assert reference in refused["report"]["findings"][0]["sentence"]
    assert api.delivery(table, b"kato,people\n10,600000\n71,1400000\n,3\n")["state"] == "accepted"
    client = api.app
    assert client.get(f"/data/{table}.csv?raw=1&labels=kk").data.decode().splitlines() == [
        '"kato","kato_label","people"',
        '"10","Абай облысы",600000',
        '"71","Астана",1400000',
        ",,3",
    ]
    assert client.get(f"/data/{table}.json?labels=en").json[1]["kato_label"] == "Astana"
    assert "kato_label" not in client.get(f"/data/{table}.csv").data.decode()


def test_a_reference_to_nothing_is_told(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    key = {"fields": "kato", "reference": {"resource": "there-is-none", "fields": "code"}}
    fields = [{"name": "kato", "type": "string"}]
    uri = f"lost-{agency.name[-10:]}"
    assert api.put(uri, passport(agency.name) | {"schema": {"fields": fields, "foreignKeys": [key]}}).status_code == 201
    refused = api.post(uri, b"kato\n10\n").json
    assert [one["code"] for one in refused["report"]["findings"]] == ["foreign-key"]
    assert "there-is-none" in refused["report"]["findings"][0]["sentence"]


def refers(api: Api, owner: str, key: dict[str, Any], fields: list[str] | None = None) -> Any:
    """The answer to a new passport with this foreign key, and its data set."""
    uri = f"refers-{uuid4().hex[:10]}"
    columns = [{"name": name, "type": "string"} for name in fields or ["code", "parent"]]
    told = passport(owner) | {"schema": {"fields": columns, "foreignKeys": [key]}}
    return uri, api.put(uri, told)


def test_a_table_that_not_everybody_may_see_is_no_reference_table(
    app: CKANTestApp, agency: Agency, other_agency: Agency
) -> None:
    api, stranger = Api(app, agency.token), Api(app, other_agency.token)
    reference, table = published(api, agency.name)
    key = {"fields": "code", "reference": {"resource": reference, "fields": "code"}}
    uri, answer = refers(stranger, other_agency.name, key, ["code"])
    assert answer.status_code == 201
    assert stranger.delivery(uri, b"code\n10\n")["state"] == "accepted"
    assert api.delivery(table, b"kato,people\n10,600000\n")["state"] == "accepted"
    with app.flask_app.test_request_context():
        tk.get_action("package_patch")({"ignore_auth": True, "user": agency.user}, {"id": reference, "private": True})
    told = {}
    for code in ("10", "77"):
        refused = stranger.post(uri, f"code\n{code}\n".encode()).json
        told[code] = [(one["code"], one["cell"], one["row"]) for one in refused["report"]["findings"]]
    assert told["10"] == told["77"] == [("foreign-key", None, None)], "the report does not tell which codes are there"
    for name in (uri, table):
        assert "Абай" not in app.get(f"/data/{name}.csv?raw=1&labels=kk").text


def test_a_table_may_refer_to_itself(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    key = {"fields": "parent", "reference": {"fields": "code"}}
    uri, answer = refers(api, agency.name, key)
    assert answer.status_code == 201
    refused = api.post(uri, b"code,parent\n10,\n11,10\n12,9\n").json
    assert [(one["row"], one["field"], one["cell"]) for one in refused["report"]["findings"]] == [(4, "parent", "9")]
    assert api.delivery(uri, b"code,parent\n10,\n11,10\n")["state"] == "accepted"
    assert api.delivery(uri, b"code,parent\n12,11\n", "?mode=append")["state"] == "accepted"


def test_a_key_of_several_columns_is_checked_as_a_whole(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    first, answer = refers(api, agency.name, {"fields": "code", "reference": {"fields": "code"}})
    assert answer.status_code == 201
    assert api.delivery(first, b"code,parent\n1,a\n2,b\n")["state"] == "accepted"
    key = {"fields": ["x", "y"], "reference": {"resource": first, "fields": ["code", "parent"]}}
    second, answer = refers(api, agency.name, key, ["x", "y"])
    assert answer.status_code == 201
    refused = api.post(second, b"x,y\n1,a\n1,b\n,b\n").json
    assert [(one["row"], one["field"], one["cell"]) for one in refused["report"]["findings"]] == [(3, "x, y", "1, b")]


@pytest.mark.parametrize(
    "key",
    [
        "code",
        {"fields": "code"},
        {"fields": "other", "reference": {"resource": "any", "fields": "code"}},
        {"fields": ["code", "parent"], "reference": {"resource": "any", "fields": "code"}},
        {"fields": "code", "reference": {"fields": "other"}},
        {"fields": [], "reference": {"resource": "any", "fields": []}},
    ],
)
def test_a_key_that_cannot_be_checked_is_refused(app: CKANTestApp, agency: Agency, key: Any) -> None:
    _uri, answer = refers(Api(app, agency.token), agency.name, key)
    assert answer.status_code == 400


def test_codes_of_another_type_are_left_to_the_next_check_when_a_file_has_other_faults(
    app: CKANTestApp, agency: Agency
) -> None:
    api = Api(app, agency.token)
    first, answer = refers(api, agency.name, {"fields": "code", "reference": {"fields": "code"}})
    assert answer.status_code == 201
    assert api.delivery(first, b"code,parent\n7,a\n,b\n")["state"] == "accepted"
    key = {"fields": "n", "reference": {"resource": first, "fields": "code"}}
    fields = [{"name": "n", "type": "integer"}, {"name": "pupils", "type": "integer"}]
    uri = f"typed-{uuid4().hex[:10]}"
    assert api.put(uri, passport(agency.name) | {"schema": {"fields": fields, "foreignKeys": [key]}}).status_code == 201
    assert api.post(uri, b"n,pupils\n007,many\n").json["report"]["counts"] == {"type-error": 1}
    assert api.delivery(uri, b"n,pupils\n007,1\n")["state"] == "accepted"
    assert api.post(uri, b"n,pupils\n8,1\n").json["report"]["counts"] == {"foreign-key": 1}


def test_no_code_is_not_the_word_none(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    first, _answer = refers(api, agency.name, {"fields": "code", "reference": {"fields": "code"}})
    assert api.delivery(first, b"code,parent\n1,a\n,b\n")["state"] == "accepted"
    second, _answer = refers(api, agency.name, {"fields": "x", "reference": {"resource": first, "fields": "code"}}, ["x"])
    assert api.post(second, b"x\nNone\n").json["report"]["counts"] == {"foreign-key": 1}


def test_unknown_codes_are_counted_beside_other_faults(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    _reference, table = published(api, agency.name)
    report = api.post(table, b"kato,people\n10,many\n77,1\n99,few\n").json["report"]
    assert report["counts"] == {"type-error": 2, "foreign-key": 2}
    codes = [(one["row"], one["cell"]) for one in report["findings"] if one["code"] == "foreign-key"]
    assert codes == [(3, "77"), (4, "99")]


def test_the_page_tells_of_what_its_codes_are_and_offers_the_table_with_their_names(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    reference, table = published(api, agency.name)
    assert api.delivery(table, b"kato,people\n10,600000\n")["state"] == "accepted"

    told = page(app.get(f"/ru/dataset/{table}"))

    row = next(row for row in told.select("tr") if row.select_one("th code") and words(row, "code") == "kato")
    assert words(row, f'a[href$="/dataset/{reference}"]') == "Перечень школ"
    named = told.select(".named-downloads a")
    assert [one.get_text() for one in named] == ["CSV", "Excel", "JSON"]
    assert app.get(str(named[2]["href"])).json == [{"kato": "10", "kato_label": "Абайская область", "people": 600000}]
    plain = page(app.get(f"/ru/dataset/{reference}"))
    assert plain.select(".named-downloads") == []


def test_staff_choose_the_reference_table_of_a_column_in_the_form(app: CKANTestApp, agency: Agency) -> None:
    api, staff = Api(app, agency.token), Browser(app, agency.user)
    reference, table = published(api, agency.name)
    key = {"fields": ["code", "parent"], "reference": {"fields": ["code", "parent"]}}
    uri, answer = refers(api, agency.name, key)
    assert answer.status_code == 201
    assert api.delivery(uri, b"code,parent\n10,10\n")["state"] == "accepted"
    address = f"/kk/staff/datasets/{uri}/edit"
    form = page(staff.get(address))
    assert reference in [option["value"] for option in form.select("#reference-tables option")]
    assert table not in [option["value"] for option in form.select("#reference-tables option")], "it has no codes"
    values = values_of(api.get(f"/datasets/{uri}").json)

    assert staff.post(address, data=values | {"columns.0.reference": reference}).status_code == 302

    own, chosen = api.get(f"/datasets/{uri}").json["schema"]["foreignKeys"]
    assert own["reference"]["fields"] == ["code", "parent"], "a key that the form does not show stays"
    assert chosen == {"fields": "code", "reference": {"resource": reference, "fields": "code"}}
    assert app.get(f"/data/{uri}.json?labels=kk").json[0]["code_label"] == "Абай облысы", "without a new version"
    assert api.post(uri, b"code,parent\n77,77\n").json["report"]["counts"] == {"foreign-key": 1}
    shown = page(staff.get(address)).select_one('[name="columns.0.reference"]')
    assert shown is not None
    assert shown["value"] == reference
    assert staff.post(address, data=values | {"columns.0.reference": ""}).status_code == 302
    assert [key["fields"] for key in api.get(f"/datasets/{uri}").json["schema"]["foreignKeys"]] == [["code", "parent"]]


OWN_COLUMN = {
    "kk": "3-жол, «parent» бағаны: бұл кестенің ешбір жолында «77» коды жоқ. Сол жолды файлға қосыңыз немесе кодты түзетіңіз.",
    "ru": "Строка 3, столбец «parent»: ни в одной строке этой таблицы нет кода «77». "
    "Добавьте такую строку в файл или исправьте код.",
    "en": "Row 3, column “parent”: no row of this table has the code “77”. Add that row to the file or correct the code.",
}


def test_staff_say_in_the_form_that_a_column_refers_to_its_own_table(app: CKANTestApp, agency: Agency) -> None:
    api, staff = Api(app, agency.token), Browser(app, agency.user)
    columns = [{"name": name, "type": "string"} for name in ("code", "parent")]
    uri = f"tree-{uuid4().hex[:10]}"
    assert api.put(uri, passport(agency.name) | {"schema": {"fields": columns}}).status_code == 201
    address = f"/kk/staff/datasets/{uri}/edit"
    offered = [str(option["value"]) for option in page(staff.get(address)).select("#reference-tables option")]
    assert [name for name in offered if name.startswith("#")] == ["#code", "#parent"]
    values = values_of(api.get(f"/datasets/{uri}").json)

    assert staff.post(address, data=values | {"columns.1.reference": "#code"}).status_code == 302

    key = {"fields": "parent", "reference": {"resource": "", "fields": "code"}}
    assert api.get(f"/datasets/{uri}").json["schema"]["foreignKeys"] == [key]
    shown = page(staff.get(address)).select_one('[name="columns.1.reference"]')
    assert shown is not None
    assert shown["value"] == "#code"
    for language, sentence in OWN_COLUMN.items():
        report = api.post(uri, b"code,parent\n10,\n11,77\n", Accept_Language=language).json["report"]
        assert [one["sentence"] for one in report["findings"]] == [sentence]
    assert api.delivery(uri, b"code,parent\n10,\n11,10\n")["state"] == "accepted"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "Бұл кестеде «kod» бағаны жоқ."),
        ("ru", "В этой таблице нет столбца «kod»."),
        ("en", "This table has no column “kod”."),
    ],
)
def test_what_is_no_column_of_the_own_table_is_told_beside_the_column(
    app: CKANTestApp, agency: Agency, language: str, sentence: str
) -> None:
    api, staff = Api(app, agency.token), Browser(app, agency.user)
    uri, _answer = refers(api, agency.name, {"fields": "parent", "reference": {"fields": "code"}})
    values = values_of(api.get(f"/datasets/{uri}").json)

    soup = page(staff.post(f"/{language}/staff/datasets/{uri}/edit", data=values | {"columns.1.reference": "#kod"}))

    assert words(soup, "#f-columns-1-reference-error").startswith(sentence)
    assert api.get(f"/datasets/{uri}").json["schema"]["foreignKeys"][0]["reference"]["fields"] == "code"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "«{}» – анықтамалық емес. Тізімнен таңдаңыз"),
        ("ru", "«{}» – не справочник. Выберите из списка"),
        ("en", "“{}” is no reference table. Choose from the list"),
    ],
)
def test_what_is_no_reference_table_is_told_beside_the_column(
    app: CKANTestApp, agency: Agency, language: str, sentence: str
) -> None:
    api, staff = Api(app, agency.token), Browser(app, agency.user)
    _reference, table = published(api, agency.name)
    uri, _answer = refers(api, agency.name, {"fields": "code", "reference": {"fields": "parent"}})
    values = values_of(api.get(f"/datasets/{uri}").json)

    for name in ("there-is-none", table):
        soup = page(staff.post(f"/{language}/staff/datasets/{uri}/edit", data=values | {"columns.1.reference": name}))

        assert words(soup, "#f-columns-1-reference-error").startswith(sentence.format(name))
    assert [key["fields"] for key in api.get(f"/datasets/{uri}").json["schema"]["foreignKeys"]] == ["code"]


def test_a_stranger_does_not_choose_for_a_column(app: CKANTestApp, agency: Agency, other_agency: Agency) -> None:
    api, stranger = Api(app, agency.token), Browser(app, other_agency.user)
    reference, _table = published(api, agency.name)
    uri, _answer = refers(api, agency.name, {"fields": "code", "reference": {"fields": "parent"}})
    values = values_of(api.get(f"/datasets/{uri}").json)

    assert stranger.post(f"/staff/datasets/{uri}/edit", data=values | {"columns.0.reference": reference}).status_code == 403
    assert len(api.get(f"/datasets/{uri}").json["schema"]["foreignKeys"]) == 1
