"""Who may publish what: the rights `datasets.…` and `publishing.…` for the agency that owns the data set."""

from __future__ import annotations

from dataclasses import dataclass

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import api_token
from ckanext.kzopen.core.people import programs, rights, systems
from ckanext.kzopen.core.people.second_factor import gate
from ckanext.kzopen.core.people.systems.model import may_change
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.requests import READING
from flask import request
from sqlalchemy import select

HEADER = "Authorization"
SCHEME = "bearer "
SEE, DELIVER, APPROVE, RELEASE = "publishing.see", "publishing.deliver", "publishing.approve", "publishing.release"
WITHDRAW = "publishing.withdraw"
CHANGE = "datasets.change"


@dataclass(frozen=True)
class Holder:
    """Who comes with a token: the name of a user, or the actor of an information system with its token's limits."""

    name: str
    limits: systems.Limits | None = None

    def require(self, power: str) -> None:
        """Raise KzError, as `Limits.require`, when the token of a system does not let it do `power`."""
        if self.limits is not None:
            self.limits.require(power)


def holder_of_token(header: str | None) -> Holder:
    """The active user, or the information system, whose token the `Authorization` header holds.

    The token stands there plain or after `Bearer`. Raises KzError publishing.no_token or publishing.bad_token, what
    `systems.admitted` has against the token of a system, and systems.read_only or people.token_only_reads when one that
    only reads comes with a request that changes something. Cookies are not looked at, so that no page of another site can
    write in the name of a reader who is signed in.
    """
    token = (header or "").strip()
    if token.lower().startswith(SCHEME):
        token = token[len(SCHEME) :].strip()
    if not token:
        raise KzError("publishing.no_token")
    if systems.is_token(token):
        return _system(token)
    user = api_token.get_user_from_token(token)
    if user is None or not user.is_active:
        raise KzError("publishing.bad_token")
    gate.hold_back_token(user.id, token)
    return Holder(str(user.name))


def _system(token: str) -> Holder:
    came = systems.admitted(model.Session, token, request.remote_addr)
    if request.method not in READING:
        came.limits.require_any()
    return Holder(systems.actor_of(came.system), came.limits)


def require(user: str, right: str, package_id: str) -> None:
    """Raise KzError unless `user` holds `right` for the agency of the data set.

    One that `user` may not see is publishing.unknown_dataset; one of another agency is publishing.not_the_owner; for one of
    their own agency it is web.not_allowed.
    """
    if may(user, right, package_id):
        return
    package = model.Package.get(package_id)
    if package is not None and not may_see(user, package_id):
        raise KzError("publishing.unknown_dataset", uri=package.name)
    if may(user, SEE, package_id):
        raise KzError("web.not_allowed", right=right)
    owner = model.Group.get(package.owner_org) if package and package.owner_org else None
    name = owner.display_name if owner else ""
    raise KzError("publishing.not_the_owner", uri=package.name if package else package_id, owner=name)


def may(user: str, right: str, package_id: str) -> bool:
    """Whether `user` holds `right` for the agency of the data set; one without an agency is for operators.

    An information system is held to the data sets that it is registered for.
    """
    package = model.Package.get(package_id)
    if package is None or not rights.allowed(user, right, package.owner_org or ""):
        return False
    system = systems.system_of(model.Session, user)
    return system is None or may_change(system, package.owner_org, package.id)


def may_create(user: str) -> bool:
    """Whether `user` may make data sets of some agency."""
    return rights.allowed(user, CHANGE)


def may_see(user: str, package_id: str) -> bool:
    """Whether `user` ("" = anyone) may know of the data set, as CKAN decides it; a system is a reader beside its own ones."""
    if acts_by_itself(user):
        return may(user, SEE, package_id) or may_see("", package_id)
    try:
        tk.check_access("package_show", {"user": user}, {"id": package_id})
    except tk.NotAuthorized:
        return False
    return True


def acts_by_itself(user: str) -> bool:
    """Whether the actor is a program: CKAN has no account of that name."""
    return systems.is_actor(user) or programs.is_program(user)


def require_publisher(user: str, organization_id: str, uri: str) -> None:
    """Raise KzError publishing.not_the_owner unless `user` may create data sets of the organisation.

    An information system that is registered for named data sets creates none.
    """
    system = systems.system_of(model.Session, user)
    held_to_some = system is not None and system.datasets is not None
    if held_to_some or not rights.allowed(user, CHANGE, organization_id):
        owner = model.Group.get(organization_id)
        raise KzError("publishing.not_the_owner", uri=uri, owner=owner.display_name if owner else organization_id)


def organizations_of(user: str, right: str) -> list[dict[str, str]]:
    """The active organisations for which `user` holds `right`, by title: id, name, title."""
    among = rights.agencies_with(user, right)
    wanted = select(model.Group.id, model.Group.name, model.Group.title).order_by(model.Group.title)
    wanted = wanted.where(model.Group.is_organization.is_(True), model.Group.state == model.State.ACTIVE)
    found = model.Session.execute(wanted if among is None else wanted.where(model.Group.id.in_(among)))
    return [{"id": row.id, "name": row.name, "title": row.title or row.name} for row in found]
