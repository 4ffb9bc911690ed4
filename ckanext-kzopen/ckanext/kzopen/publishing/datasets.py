"""Creating, changing and telling data sets: the passport on one side, CKAN's package on the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.people.rights import allowed
from ckanext.kzopen.core.record import write_events
from ckanext.kzopen.core.reorganisation import addresses
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal import tombstone, tombstone_named
from ckanext.kzopen.core.withdrawal.tombstones import refuse
from ckanext.kzopen.publishing.model import Passport, passport_of
from ckanext.kzopen.publishing.package import site_user
from ckanext.kzopen.publishing.passport import Passport as Described
from ckanext.kzopen.publishing.rights import CHANGE, RELEASE, acts_by_itself, may_see, require, require_publisher
from ckanext.kzopen.publishing.settle import defer_indexes, defer_labels
from sqlalchemy import text
from sqlalchemy.orm import Session

NOT_IN_A_TAG = re.compile(r"[^\w \-.]+")
NAME = re.compile(r"[a-z0-9_-]{2,100}")
PACKAGE_TYPE = "dataset"
KNOWN_KEYWORDS = text("SELECT name FROM tag WHERE vocabulary_id IS NULL AND name = ANY (:names)")
ONE_BRINGS_KEYWORDS = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.keywords', 0))")


@dataclass(frozen=True)
class Saved:
    """The passport as it is now, and whether the data set is new."""

    passport: Passport
    created: bool


@dataclass(frozen=True)
class New:
    """A data set that is about to be made by `user` for the agency `agency`: nothing of it is stored yet."""

    passport: Passport
    user: str
    agency: str
    fields: Mapping[str, Any]


def save(
    session: Session,
    user: str,
    uri: str,
    described: Described,
    address: str | None = None,
    *,
    begun: Callable[[Passport], object] | None = None,
) -> Saved:
    """Create the data set `uri` or change its passport; commits.

    `begun` is called with the passport of a new data set, to write in the same transaction what must not come later.

    Package, passport, event and outbox row are written in one transaction: CKAN's action commits them together. A data set
    that was deleted, but not purged, comes back. Raises KzError when the owner is unknown, the user may not publish for it,
    or CKAN refuses a value.
    """
    package = model.Package.get(uri)
    if package is None:
        return _create(session, user, uri, described, address, begun)
    if not may_see(user, package.id):
        raise KzError("publishing.uri_is_taken", uri=uri)
    if tombstone(session, "dataset", package.id) is not None:
        raise KzError("publishing.was_withdrawn", uri=uri)
    require(user, CHANGE, package.id)
    _same_owner(package, described.owner)
    return _change(session, user, package, described, address)


def _create(
    session: Session,
    user: str,
    uri: str,
    described: Described,
    address: str | None,
    begun: Callable[[Passport], object] | None,
) -> Saved:
    new = prepared(user, uri, described)
    hold_keywords(session, [new.fields])
    if begun is not None:
        begun(new.passport)
    begin(session, [new], address)
    # The rights were checked above; `ignore_auth` lets the package have the id that its passport has.
    _act(session, "package_create", user, dict(new.fields))
    return Saved(new.passport, created=True)


def prepared(user: str, uri: str, described: Described) -> New:
    """A data set that is not there yet; raises what `save` raises when the user may not make it."""
    organization = _organization(described.owner)
    require_publisher(user, organization.id, uri)
    _may_open(user, organization.id, {}, described)
    passport = _new_passport(str(uuid4()), uri, described)
    fields = package_fields(uri, described) | {"id": passport.package_id, "owner_org": organization.id}
    return New(passport, user, organization.id, fields)


def begin(session: Session, several: Sequence[New], address: str | None = None) -> None:
    """Write what belongs to new data sets of one user beside their packages: passports, events, rows of the outbox; nothing is
    committed."""
    session.add_all(new.passport for new in several)
    _told(session, [(new.passport, new.agency) for new in several], "create", several[0].user, address)


def _change(session: Session, user: str, package: Any, described: Described, address: str | None) -> Saved:
    passport = session.get(Passport, package.id)
    if passport is None:
        passport = _new_passport(package.id, package.name, described)
        session.add(passport)
    _may_open(user, package.owner_org, passport.schema or {}, described)
    fields = package_fields(package.name, described) | {"id": package.id, "state": model.State.ACTIVE}
    hold_keywords(session, [fields])
    schema = described.table_schema.descriptor()
    if schema != passport.schema:
        defer_labels(session, passport.package_id)
        defer_indexes(session, passport.package_id)
    passport.schema = schema
    passport.changed = datetime.now(UTC)
    _told(session, [(passport, package.owner_org)], "change", user, address)
    _act(session, "package_patch", user, fields)
    return Saved(passport, created=False)


def hold_keywords(session: Session, several: Sequence[Mapping[str, Any]]) -> None:
    """Let nobody else write keywords that are not there yet, until the caller's transaction ends; called before it writes.

    Nothing in CKAN's database forbids two free tags of one name: two who bring it at the same time would each make their own.
    """
    names = {tag["name"] for fields in several for tag in fields["tags"]}
    if names and names - set(session.scalars(KNOWN_KEYWORDS, {"names": sorted(names)})):
        session.execute(ONE_BRINGS_KEYWORDS)


def _may_open(user: str, agency: str | None, old: dict[str, Any], described: Described) -> None:
    """Columns that are called public by law pass the stop of personal data: only who may release from quarantine says so."""
    new = sorted(public_columns(described.table_schema.descriptor()) - public_columns(old))
    if new and not allowed(user, RELEASE, agency or ""):
        raise KzError("publishing.public_by_needs_release", columns=new)


def public_columns(schema: dict[str, Any]) -> set[str]:
    """The columns whose personal data are public by law, `*` for the whole table, each with the law that says so."""
    named = {f"{field['name']}: {field['publicBy']}" for field in schema.get("fields", []) if field.get("publicBy")}
    return named | ({f"*: {schema['publicBy']}"} if schema.get("publicBy") else set())


def _new_passport(package_id: str, uri: str, described: Described) -> Passport:
    schema = described.table_schema.descriptor()
    return Passport(package_id=package_id, uri=uri, resource_id=str(uuid4()), schema=schema)


def _told(session: Session, several: Sequence[tuple[Passport, str | None]], verb: str, user: str, address: str | None) -> None:
    session.flush()
    same = {"kind": "dataset", "verb": verb, "actor": user_id(user), "address": address, "in_place_of": None}
    same |= {"old": None, "reason": None, "at": None}
    each = [
        {"object_id": passport.package_id, "agency": agency, "new": {"uri": passport.uri, "schema": passport.schema}}
        for passport, agency in several
    ]
    write_events(session, [same | values for values in each])
    outbox.emit_all(session, [(f"dataset.{verb}", passport.package_id, {}) for passport, _agency in several])


def _act(session: Session, action: str, user: str, fields: dict[str, Any]) -> None:
    """Call one of CKAN's actions, which commits, and commit what it may have left (it does nothing without a change)."""
    act(session, action, user, fields)
    session.commit()


def act(session: Session, action: str, user: str, fields: dict[str, Any], **context: bool) -> None:
    """Call one of CKAN's actions on a package; KzError, and a rollback, when CKAN refuses a value."""
    try:
        actor = site_user() if acts_by_itself(user) else user
        tk.get_action(action)({"user": actor, "ignore_auth": True, "return_id_only": True, **context}, fields)
    except tk.ValidationError as error:
        session.rollback()
        if "name" in error.error_dict:
            raise KzError("publishing.uri_is_taken", uri=fields.get("name", "")) from error
        raise KzError("web.bad_input", problems=str(error.error_summary)) from error


def _organization(owner: str) -> Any:
    found = model.Group.get(owner) or model.Group.get(addresses.present(model.Session, owner))
    if found is None or not found.is_organization or found.state != model.State.ACTIVE:
        raise KzError("publishing.unknown_owner", owner=owner)
    return found


def _same_owner(package: Any, owner: str) -> None:
    wanted = _organization(owner)
    if package.owner_org and wanted.id != package.owner_org:
        present = model.Group.get(package.owner_org)
        raise KzError("publishing.owner_is_fixed", owner=present.display_name if present else package.owner_org)


def package_fields(uri: str, described: Described) -> dict[str, Any]:
    """The passport as fields of a CKAN package; what is not given empties its field."""
    responsible = described.responsible
    keywords = described.keywords.words()
    return {
        "type": PACKAGE_TYPE,
        "name": uri,
        "title_translated": described.title.words(),
        "notes_translated": described.description.words(),
        "category": described.category,
        "periodicity": described.periodicity,
        "responsible_translated": responsible.name.words() if responsible else {},
        "responsible_email": (responsible.email if responsible else None) or "",
        "responsible_phone": (responsible.phone if responsible else None) or "",
        "tags_translated": keywords,
        "tags": [{"name": tag} for tag in _tags(keywords)],
        "license_id": described.license or "",
    }


def _tags(keywords: dict[str, list[str]]) -> list[str]:
    """Keywords of all languages as CKAN's tags, which allow letters, digits, blanks and `-_.` only."""
    words = (NOT_IN_A_TAG.sub(" ", word).strip() for found in keywords.values() for word in found)
    return list(dict.fromkeys(word for word in words if len(word) > 1))


def known_passport(session: Session, uri: str) -> Passport:
    """The passport of `uri`; KzError publishing.unknown_dataset when there is none or the data set was deleted."""
    passport = passport_of(session, uri) if NAME.fullmatch(uri) else None
    refuse(tombstone(session, "dataset", passport.package_id) if passport else tombstone_named(session, "dataset", uri))
    package = model.Package.get(passport.package_id) if passport else None
    if passport is None or package is None or package.state != model.State.ACTIVE:
        raise KzError("publishing.unknown_dataset", uri=uri)
    return passport


def visible_package(passport: Passport, user: str) -> dict[str, Any]:
    """CKAN's package as `user` ("" = anonymous) may see it; KzError publishing.unknown_dataset otherwise."""
    try:
        context = {"ignore_auth": True} if acts_by_itself(user) and may_see(user, passport.package_id) else {"user": user}
        found: dict[str, Any] = tk.get_action("package_show")(context, {"id": passport.package_id})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        raise KzError("publishing.unknown_dataset", uri=passport.uri) from None
    return found


def user_id(name: str) -> str:
    """The id of a user, by which the event log and deliveries name people; an information system is its actor already."""
    user = model.User.get(name)
    return str(user.id) if user else name
