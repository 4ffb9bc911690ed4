"""What the matrix is tried on: people of every level; a public, a private and a draft data set, with deliveries."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.activity.model import Activity
from ckanext.kzopen.core.people.assignments.change import assign
from ckanext.kzopen.core.people.levels.confirming import PROVIDER, confirm
from ckanext.kzopen.core.people.levels.rules import Level

from tests.core.people.levels.test_levels import new_iin
from tests.publishing.conftest import PATIENCE, Agency, Api, new_agency, passport

OTHERS = ("other_author", "other_approver", "other_administrator")
OWN = ("author", "approver", "administrator")
IDENTITIES = {
    "iin_confirmed": (Level.iin_confirmed, new_iin()),
    "organisation": (Level.organisation, "000140000012"),
    "accredited_organisation": (Level.accredited_organisation, "000140000012"),
    "expert": (Level.expert, ""),
    "council_member": (Level.council_member, ""),
}
"""Citizens of whose identity more is confirmed than an address, and the number that goes with it."""
CITIZENS = ("citizen", *IDENTITIES)
LEVELS = ("anonymous", *CITIZENS, *OTHERS, "moderator", "methodologist", *OWN, "operator")
ROLES = {"author": "author", "approver": "approver", "administrator": "agency_administrator"}
KINDS = ("public", "private", "draft")


@dataclass(frozen=True)
class Dataset:
    """A data set of the own agency. `secret` stands in its title, its description and a cell."""

    kind: str
    id: str
    uri: str
    resource_id: str
    view_id: str
    delivery: str
    activities: list[str]
    secret: str


@dataclass
class World:
    """Names and API tokens by level, and data sets by kind; anonymous has neither name nor token.

    Beside the levels there is an `editor`: a CKAN editor of the own agency without an assigned role, who made the data sets.
    """

    app: CKANTestApp
    agency: str
    agency_name: str
    other_agency: str
    group_name: str
    other_resource: str
    vocabulary: str
    tag: str
    task: str
    group_activities: list[str]
    agency_activities: list[str]
    names: dict[str, str]
    tokens: dict[str, str]
    datasets: dict[str, Dataset] = field(default_factory=dict)
    token_ids: dict[str, str] = field(default_factory=dict)

    def api(self, level: str) -> Api:
        return Api(self.app, self.tokens[level])

    def browser(self, level: str) -> Any:
        """A browser in which the person of that level is signed in."""
        user = model.User.get(self.names[level]) if self.names[level] else None
        return self.app.test_client(user=user)

    def token_id(self, level: str) -> str:
        """The id of that level's API token; asked of the database once, since every request of the matrix may name it."""
        if level not in self.token_ids:
            user = model.User.get(self.names[level])
            found = model.Session.query(model.ApiToken).filter(model.ApiToken.user_id == user.id).first()
            self.token_ids[level] = str(found.id)
        return self.token_ids[level]

    def secrets(self, *kinds: str) -> list[str]:
        return [self.datasets[kind].secret for kind in kinds]

    def waiting_delivery(self, kind: str) -> str:
        """A new delivery that was checked and waits for a person's word."""
        dataset = self.datasets[kind]
        delivery = self.api("editor").delivery(dataset.uri, rows(dataset.secret), "?check=only")
        assert delivery["state"] == "awaiting_approval", delivery
        return str(delivery["id"])

    def fingerprint(self) -> dict[str, Any]:
        """What nobody without the right may have changed."""
        model.Session.remove()
        packages = [model.Package.get(found.id) for found in self.datasets.values()]
        return {
            "packages": [(p.name, p.title, p.notes, p.state, p.private, p.owner_org, len(p.resources)) for p in packages],
            "resources": [(r.id, r.url, r.state) for p in packages for r in p.resources_all],
            "organisations": [(g.name, g.title, g.state) for g in map(model.Group.get, (self.agency, self.other_agency))],
            "members": sorted(
                (row.group_id, row.table_id, row.capacity, row.state)
                for row in model.Session.query(model.Member).filter(
                    model.Member.group_id.in_((self.agency, self.other_agency)), model.Member.table_name == "user"
                )
            ),
            "people": [
                (u.name, u.email, u.sysadmin, u.state, u.password)
                for u in (model.User.get(name) for name in self.names.values() if name)
            ],
            "tokens": model.Session.query(model.ApiToken).count(),
            "settings": model.Session.query(model.SystemInfo).count(),
            "views": [
                (view.title, view.view_type, view.resource_id)
                for view in (model.Session.get(model.ResourceView, found.view_id) for found in self.datasets.values())
                if view
            ],
            "rows": [self._rows(found) for found in self.datasets.values()],
        }

    def _rows(self, dataset: Dataset) -> int:
        found = (
            self.api("operator")
            .app.test_client(use_cookies=False)
            .get(
                f"/api/3/action/datastore_search?resource_id={dataset.resource_id}&limit=0",
                headers={"Authorization": self.tokens["operator"]},
            )
        )
        return int(found.json["result"]["total"])


def rows(secret: str) -> bytes:
    return f"bin,name,pupils\n000140000012,{secret} мектебі,640\n".encode()


def make_world(app: CKANTestApp) -> World:
    """Two agencies with their staff, a citizen, the roles of the whole portal, a group, three data sets."""
    own, other = new_agency(app), new_agency(app)
    people = {"anonymous": ("", ""), "editor": (own.user, own.token)}
    people |= {level: _person(app, "", None) for level in CITIZENS}
    _confirm(app, people)
    people |= {level: _person(app, role, own.id) for level, role in ROLES.items()}
    people |= {f"other_{level}": _person(app, role, other.id) for level, role in ROLES.items()}
    people |= {role: _person(app, role, None) for role in ("moderator", "methodologist", "operator")}
    names = {level: name for level, (name, _) in people.items()}
    tokens = {level: token for level, (_, token) in people.items()}
    group = _group(app, names["operator"])
    world = World(
        app,
        own.id,
        own.name,
        other.id,
        group,
        _resource(app, other),
        *_vocabulary(app, names["operator"]),
        _task(app, names["operator"], own.id),
        _changed(app, "group", group, names["operator"]),
        _changed(app, "organization", own.id, names["operator"]),
        names,
        tokens,
    )
    for kind in KINDS:
        world.datasets[kind] = _dataset(world, kind)
    return world


def _person(app: CKANTestApp, role: str, agency: str | None) -> tuple[str, str]:
    """Name and API token of a new person in this role; "" is a citizen."""
    name = f"person-{uuid4().hex[:10]}"
    free: dict[str, Any] = {"ignore_auth": True, "user": ""}
    with app.flask_app.test_request_context():
        tk.get_action("user_create")(
            dict(free), {"name": name, "email": f"{name}@example.org", "password": "walnut-harbour-velvet"}
        )
        if role:
            assign(model.Session, name, role, agency, "system:test")
            model.Session.commit()
        token = tk.get_action("api_token_create")(dict(free), {"user": name, "name": "matrix"})["token"]
    return name, token


def _confirm(app: CKANTestApp, people: dict[str, tuple[str, str]]) -> None:
    """Give each citizen the level of identity after which it is called here."""
    with app.flask_app.test_request_context():
        for name, (level, number) in IDENTITIES.items():
            confirm(model.Session(), model.User.get(people[name][0]).id, level, f"{PROVIDER}matrix", number=number)
        model.Session.commit()


def _group(app: CKANTestApp, operator: str) -> str:
    with app.flask_app.test_request_context():
        name = f"theme-{uuid4().hex[:10]}"
        tk.get_action("group_create")({"ignore_auth": True, "user": operator}, {"name": name, "title": "Тақырып"})
    return name


def _vocabulary(app: CKANTestApp, operator: str) -> tuple[str, str]:
    """The ids of a vocabulary and of a tag in it."""
    with app.flask_app.test_request_context():
        given = {"name": f"words-{uuid4().hex[:10]}", "tags": [{"name": "тег"}]}
        made = tk.get_action("vocabulary_create")({"ignore_auth": True, "user": operator}, given)
    return str(made["id"]), str(made["tags"][0]["id"])


def _task(app: CKANTestApp, operator: str, about: str) -> str:
    with app.flask_app.test_request_context():
        given = {"entity_id": about, "entity_type": "organization", "task_type": "matrix", "key": "x", "value": "x"}
        return str(tk.get_action("task_status_update")({"ignore_auth": True, "user": operator}, given)["id"])


def _changed(app: CKANTestApp, kind: str, id_: str, operator: str) -> list[str]:
    """The activities of a group or an agency, oldest first, after a change of it."""
    with app.flask_app.test_request_context():
        given = {"id": id_, "description": "Сипаттама"}
        changed = tk.get_action(f"{kind}_patch")({"ignore_auth": True, "user": operator}, given)
    return _activities(changed["id"])


def _resource(app: CKANTestApp, agency: Agency) -> str:
    """A resource of the other agency: what its people may change, and may name where another one is meant."""
    uri = f"other-{uuid4().hex[:10]}"
    answer = Api(app, agency.token).put(uri, passport(agency.name))
    assert answer.status_code == 201, answer.json
    with app.flask_app.test_request_context():
        told = {"package_id": uri, "url": "http://example.org/table.csv", "name": "table"}
        return str(tk.get_action("resource_create")({"ignore_auth": True, "user": agency.user}, told)["id"])


def _dataset(world: World, kind: str) -> Dataset:
    """A data set with one published version and a delivery; made private or a draft after that."""
    mark = uuid4().hex[:10]
    secret, uri, api = f"Secret{mark}", f"{kind}-{mark[::-1]}", world.api("editor")
    told = passport(world.agency_name)
    told["title"] = {"kk": f"{secret} тізімі", "ru": f"{secret} перечень"}
    told["description"] = {"kk": f"{secret} туралы.", "ru": f"О {secret}."}
    created = api.put(uri, told)
    assert created.status_code == 201, created.json
    delivery = api.delivery(uri, rows(secret))
    assert delivery["state"] == "accepted", delivery
    with world.app.flask_app.test_request_context():
        context = {"ignore_auth": True, "user": world.names["operator"]}
        package = tk.get_action("package_show")(dict(context), {"id": uri})
        changes = {"private": {"private": True}, "draft": {"state": "draft"}}.get(kind)
        if changes:
            package = tk.get_action("package_patch")(dict(context), {"id": uri, **changes})
        resource = package["resources"][0]["id"]
    view = _view(resource)
    return Dataset(kind, package["id"], uri, resource, view, delivery["id"], _activities(package["id"]), secret)


def _view(resource_id: str) -> str:
    """The table's preview, which the worker gives it after the publication."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        model.Session.remove()
        found = model.Session.query(model.ResourceView).filter(model.ResourceView.resource_id == resource_id).first()
        if found:
            return str(found.id)
        time.sleep(0.1)
    raise AssertionError("the worker has given the table no preview")


def _activities(about: str) -> list[str]:
    """The ids of a thing's own activities, oldest first."""
    own = (Activity.object_id == about) & Activity.activity_type.op("~")("^(new|changed) (package|group|organization)$")
    found = model.Session.query(Activity).filter(own).order_by(Activity.timestamp).all()
    assert len(found) > 1, "the thing has left no two activities"
    return [str(one.id) for one in found]
