"""An agency of each test's own, its editor's token, and the universal API as a program would use it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from sqlalchemy import text

BASE = "/api/universal/v1"
PASSWORD = "walnut-harbour-velvet"
PATIENCE = 60  # seconds for the worker on a busy machine
UNDER_WAY = ("received", "checking", "failed")
UNDECIDED = f"""
    SELECT state IN {UNDER_WAY} OR (state = 'accepted' AND settled IS NULL)
        OR (state IN ('awaiting_approval', 'quarantined') AND approver IS NOT NULL)
    FROM kzopen.delivery WHERE id = :id
"""
"""Whether the worker has still something to do with a delivery."""
Answer = dict[str, Any]


@dataclass(frozen=True)
class Agency:
    """An organisation and a user of it."""

    id: str
    name: str
    user: str
    token: str


@pytest.fixture
def agency(app: CKANTestApp) -> Agency:
    return new_agency(app)


@pytest.fixture
def other_agency(app: CKANTestApp) -> Agency:
    return new_agency(app)


def new_agency(app: CKANTestApp, role: str = "editor") -> Agency:
    """An organisation with one user, who has `role` in it."""
    mark = uuid4().hex[:10]
    with app.flask_app.test_request_context():
        free = {"ignore_auth": True, "user": ""}
        user = tk.get_action("user_create")(
            dict(free), {"name": f"user-{mark}", "email": f"{mark}@example.org", "password": PASSWORD}
        )
        members = [{"name": user["name"], "capacity": role}]
        site = tk.get_action("get_site_user")(dict(free), {})["name"]
        organization = tk.get_action("organization_create")(
            {"ignore_auth": True, "user": site}, {"name": f"agency-{mark}", "title": "Агентство", "users": members}
        )
        token = tk.get_action("api_token_create")(dict(free), {"user": user["name"], "name": "test"})["token"]
    return Agency(organization["id"], organization["name"], user["name"], token)


def passport(owner: str, fields: list[Answer] | None = None, key: list[str] | None = None) -> Answer:
    """A passport of a small table of schools."""
    return {
        "title": {"kk": "Мектептер тізімі", "ru": "Перечень школ", "en": "List of schools"},
        "description": {"kk": "Мектептердің мекенжайлары мен оқушылар саны.", "ru": "Адреса школ и число учащихся."},
        "owner": owner,
        "category": "education",
        "periodicity": "YEARLY",
        "responsible": {"name": {"kk": "Деректер бөлімі", "ru": "Отдел данных"}, "email": "data@example.org"},
        "keywords": {"kk": ["мектеп"], "ru": ["школа"]},
        "schema": {
            "fields": fields
            or [
                {"name": "bin", "type": "string", "constraints": {"required": True, "pattern": "[0-9]{12}"}},
                {"name": "name", "type": "string", "constraints": {"required": True}},
                {"name": "pupils", "type": "integer", "constraints": {"minimum": 0}},
            ],
            "primaryKey": ["bin"] if key is None else key,
        },
    }


SCHOOLS = "bin,name,pupils\n000140000012,№1 мектеп,640\n000140000092,Гимназия,1210\n000140000220,Лицей,305\n".encode()


def without_passport(app: CKANTestApp, agency: Agency) -> str:
    """The name of a data set that CKAN's own API made."""
    title = {"kk": "Құдықтар", "ru": "Колодцы"}
    given = {"name": f"plain-{agency.name[-10:]}", "type": "dataset", "owner_org": agency.id}
    given |= {"title_translated": title, "notes_translated": title}
    made = app.post("/api/3/action/package_create", json=given, headers={"Authorization": agency.token})
    assert made.status_code == 200, made.json
    return str(made.json["result"]["name"])


def wait_while(question: str, number: str, patience: float = PATIENCE) -> None:
    """Until the database says no: to ask the API again and again takes ten times as much of the processor."""
    until = time.monotonic() + patience
    with model.meta.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.scalar(text(question), {"id": number}) is not False:  # None = it does not know the number
            assert time.monotonic() < until, f"{number}: {question}"
            time.sleep(0.05)
    model.Session.remove()  # what this process has read before is old


@dataclass
class Api:
    """The universal API with one token; `language` is what Accept-Language asks for."""

    app: CKANTestApp
    token: str = ""
    language: str = "en"
    base: str = field(default=BASE)

    def call(self, method: str, path: str, **given: Any) -> Any:
        headers = {"Accept-Language": self.language} | given.pop("headers", {})
        if self.token:
            headers["Authorization"] = self.token
        client = self.app.test_client(use_cookies=False)
        return client.open(self.base + path, method=method, headers=headers, **given)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def put(self, uri: str, body: Any) -> Any:
        return self.call("PUT", f"/datasets/{uri}", data=json.dumps(body), content_type="application/json")

    def post(self, uri: str, body: bytes, query: str = "", **headers: str) -> Any:
        """Send rows, and wait until the worker has decided; the answer as if it had been decided at once."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.call("POST", f"/datasets/{uri}/rows{query}", data=body, headers=names)
        return self.decided(answer) if answer.status_code == 202 else answer

    def decided(self, answer: Any) -> Any:
        """The delivery once it is decided; for a refused one the test asks for the report."""
        wait_while(UNDECIDED, answer.json["id"])
        return self.get(answer.json["links"]["self"].split(BASE)[1])

    def delivery(self, uri: str, body: bytes, query: str = "", **headers: str) -> Answer:
        """The delivery that sending these rows made, whether it was accepted or refused."""
        told: Answer = self.post(uri, body, query, **headers).json
        return told["delivery"] if "delivery" in told and isinstance(told["delivery"], dict) else told


@pytest.fixture
def api(app: CKANTestApp, agency: Agency) -> Api:
    """The API with the agency's token."""
    return Api(app, agency.token)


@pytest.fixture
def anyone(app: CKANTestApp) -> Api:
    """The API without a token."""
    return Api(app)


@pytest.fixture
def uri(api: Api, agency: Agency) -> str:
    """A data set of schools, without rows yet."""
    name = f"schools-{uuid4().hex[:10]}"
    answer = api.put(name, passport(agency.name))
    assert answer.status_code == 201, answer.json
    return name


@pytest.fixture(autouse=True)
def _sessions_end() -> Iterator[None]:
    yield
    model.Session.remove()
