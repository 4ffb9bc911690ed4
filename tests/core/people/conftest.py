"""People with accounts, and browsers that come from addresses of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import randrange
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp

HERE = "http://localhost/"
PASSWORD = "walnut-harbour-velvet"
TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Person:
    """An account: its id, name and e-mail; the password is PASSWORD."""

    id: str
    name: str
    email: str


class Browser:
    """A window of a browser that shows redirects instead of following them; forms carry their token."""

    def __init__(self, app: CKANTestApp, address: str = "") -> None:
        self.client = app.test_client()
        self.address = address or f"198.18.{randrange(256)}.{randrange(256)}"

    def open(self, path: str, **given: Any) -> Any:
        over = {"REMOTE_ADDR": self.address, **given.pop("environ", {})}
        given.setdefault("buffered", True)  # the answer is read to its end: what comes after it is done, too
        return self.client.open(path, base_url=HERE, follow_redirects=False, environ_overrides=over, **given)

    def get(self, path: str, **given: Any) -> Any:
        return self.open(path, **given)

    def post(self, path: str, **data: Any) -> Any:
        """Send the form of the page at `path` with these values."""
        found = TOKEN.search(self.get(path).get_data(as_text=True))
        token = {"_csrf_token": found[1]} if found else {}
        return self.open(path, method="POST", data={**token, **data})

    def sign_in(self, login: str, password: str = PASSWORD, came_from: str = "", **more: str) -> Any:
        return self.post("/user/login", login=login, password=password, came_from=came_from, **more)

    def be(self, person: Person) -> None:
        """Hold a session of that person, however it began."""
        with self.client.session_transaction(base_url=HERE) as session:
            session["_user_id"] = person.id

    @property
    def is_signed_in(self) -> bool:
        return bool(self.get("/dashboard/datasets").status_code == 200)

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("ckan", domain="localhost")
        return found.value if found else ""

    def take(self, cookie: str) -> None:
        """Hold a cookie that came from another browser."""
        self.client.set_cookie("ckan", cookie, domain="localhost")


@pytest.fixture(autouse=True)
def _as_on_a_running_portal(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", True)
    yield
    model.Session.remove()


@pytest.fixture
def browser(app: CKANTestApp) -> Browser:
    return Browser(app)


@pytest.fixture
def other_browser(app: CKANTestApp) -> Browser:
    return Browser(app)


@pytest.fixture
def new_person(app: CKANTestApp) -> Callable[..., Person]:
    """Makes an account with a name and an e-mail of its own."""

    def make(*, sysadmin: bool = False) -> Person:
        name = f"person-{uuid4().hex[:10]}"
        with app.flask_app.test_request_context():
            told = {"name": name, "email": f"{name}@example.org", "password": PASSWORD, "fullname": "Айгүл Сынақова"}
            made = tk.get_action("user_create")({"ignore_auth": True, "user": ""}, told)
            if sysadmin:
                model.User.get(name).sysadmin = True
                model.Session.commit()
        return Person(made["id"], name, told["email"])

    return make


@pytest.fixture
def person(new_person: Callable[..., Person]) -> Person:
    return new_person()
