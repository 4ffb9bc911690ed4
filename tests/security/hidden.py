"""Hidden data sets whose every word is their own, people who ask, and all addresses at which somebody might hear of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import Agency, Api, new_agency, passport
from tests.search.conftest import until
from tests.security.requests import APIS, HERE
from tests.security.world import _group, _person, rows

KINDS = ("open", "private", "draft", "embargo")
READERS = ("anonymous", "citizen", "other_staff", "own_staff", "methodologist")
INSIDERS = frozenset({"own_staff", "methodologist"})
EVERYBODY = frozenset(READERS)
OUTSIDERS = EVERYBODY - INSIDERS
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reader:
    """Somebody with a name and a token, or nobody in particular."""

    app: CKANTestApp
    name: str = ""
    token: str = ""

    def get(self, path: str) -> Any:
        """The answer to this reader: by token from the APIs, by a browser that is signed in from pages."""
        if any(api in path for api in APIS):
            headers = {"Authorization": self.token} if self.token else {}
            found = self.app.test_client(use_cookies=False).get(path, headers=headers, base_url=HERE)
        else:
            user = model.User.get(self.name) if self.name else None
            found = self.app.test_client(user=user).get(path, base_url=HERE, follow_redirects=True)
        assert found.status_code < 500, (path, found.status_code)
        return found

    def read(self, path: str) -> str:
        told = self.get(path).get_data().decode("utf-8", "replace")
        model.Session.remove()
        return str(told)


@dataclass(frozen=True)
class Hidden:
    """A data set, the only one of its agency, in a group of its own.

    `word` is looked for; `shadow` stands beside it in title and description and is in no question; `tag`, `format` and
    `resource` are found nowhere else.
    """

    kind: str
    id: str
    uri: str
    word: str
    shadow: str
    tag: str
    format: str
    resource: str
    agency: Agency
    group: str

    @property
    def marks(self) -> tuple[str, ...]:
        """Each of them tells that the data set is there."""
        return (self.word, self.shadow, self.uri, self.id, self.tag, self.format, self.resource)

    @property
    def misspelt(self) -> str:
        return f"{self.word[:-1]}q"  # a letter that no word of these has

    def is_in(self, told: str, path: str) -> bool:
        """Whether an answer tells of it; what stood in the question may come back with the answer."""
        lower = told.lower()
        return any(mark.lower() in lower for mark in self.marks if mark.lower() not in path.lower())


def make(app: CKANTestApp, operator: str, kind: str) -> Hidden:
    """A data set of this kind: described by the universal API, hidden as it is hidden in the portal."""
    agency, mark = new_agency(app, "admin"), uuid4().hex
    letters = mark.translate(str.maketrans("0123456789", "ghijklmnop"))
    word, shadow, uri = f"w{letters[:11]}", f"s{letters[11:22]}", f"u-{mark[:14]}"
    tag, form, resource = f"t{letters[5:16]}", f"F{letters[8:15].upper()}", f"r{letters[20:31]}"
    told = passport(agency.name)
    told["title"] = {"kk": f"{word} {shadow} тізімі", "ru": f"{word} {shadow} перечень"}
    told["description"] = {"kk": f"{word} {shadow} туралы.", "ru": f"О {word} {shadow}."}
    told["keywords"] = {"kk": [tag], "ru": [tag]}
    api = Api(app, agency.token)
    made = api.put(uri, told)
    assert made.status_code == 201, made.json
    group = _group(app, operator)
    with app.flask_app.test_request_context():
        free = {"ignore_auth": True, "user": operator}
        package = tk.get_action("package_show")(dict(free), {"id": uri})["id"]
        link = {"package_id": package, "url": f"http://example.org/{resource}", "name": resource, "format": form}
        tk.get_action("resource_create")(dict(free), link)
        tk.get_action("member_create")(
            dict(free), {"id": group, "object": package, "object_type": "package", "capacity": "public"}
        )
        changed = {"private": {"private": True}, "draft": {"state": "draft"}}.get(kind)
        if changed:
            tk.get_action("package_patch")(dict(free), {"id": package, **changed})
    if kind == "embargo":
        moment = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+", "%2B")
        assert api.delivery(uri, rows(word), f"?publish_at={moment}")["state"] == "scheduled"
        until(lambda: not list(walked(Reader(app), f"/api/search/v1?q={word}")))
    model.Session.remove()
    return Hidden(kind, package, uri, word, shadow, tag, form, resource, agency, group)


def readers(app: CKANTestApp, hidden: Hidden, others: dict[str, Reader]) -> dict[str, Reader]:
    """Everybody who asks: the staff is that of the data set's agency."""
    return {**others, "own_staff": Reader(app, hidden.agency.user, hidden.agency.token)}


def strangers(app: CKANTestApp) -> dict[str, Reader]:
    """Those who ask, but for the own staff."""
    other = new_agency(app, "admin")
    return {
        "anonymous": Reader(app),
        "citizen": Reader(app, *_person(app, "", None)),
        "other_staff": Reader(app, other.user, other.token),
        "methodologist": Reader(app, *_person(app, "methodologist", None)),
    }


def filled(path: str, hidden: Hidden) -> str:
    """The address with the data set's own words in it."""
    known = {
        "word": hidden.word,
        "begun": hidden.word[:7],
        "misspelt": hidden.misspelt,
        "tag": hidden.tag,
        "form": hidden.format,
        "resource": hidden.resource[:9],
        "agency": hidden.agency.name,
        "agency_id": hidden.agency.id,
        "group": hidden.group,
        "user": hidden.agency.user,
        "label": quote(f'permission_labels:"member-{hidden.agency.id}"'),
    }
    return path.format_map(known)


def walked(reader: Reader, path: str) -> Iterator[dict[str, Any]]:
    """All items of the API from a page on to the end."""
    address: str | None = path
    while address:
        answer = reader.get(address[address.index("/api/") :])
        assert answer.status_code == 200, answer.get_data()
        found = json.loads(answer.get_data())
        yield from found["items"]
        address = found["next"]
