"""`/record/…`: heads, keys, proofs and receipts, as JSON and Atom, for readers and their verifiers. No login.

Anybody may read hashes and proofs. A receipt holds the text and its nonce, so its address is a random number that only the
person has to whom it was given.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.record import heads, keys, portal, proofs
from ckanext.kzopen.core.record.receipts import NotRecorded
from ckanext.kzopen.core.record.tables import Head
from ckanext.kzopen.core.web import errors, requests
from ckanext.kzopen.core.web.caching import OwnCaching
from ckanext.kzopen.core.web.errors import KzError
from feedgen.feed import FeedGenerator
from flask import Blueprint, Response, request

log = logging.getLogger(__name__)
errors.load(Path(__file__).with_name("errors.yaml"))
blueprint = Blueprint("kzopen_record", __name__, url_prefix="/record")
SOON = "public, max-age=10"
FOREVER = "public, max-age=31536000, immutable"


@blueprint.get("/head.json")
def head() -> Response:
    """The newest signed head, or with `size` that of so many leaves."""
    size = _number("size")
    return _answer(heads.as_dict(_head(size)), SOON if size is None else FOREVER)


@blueprint.get("/heads.atom")
def feed() -> Response:
    """The last fifty heads as Atom; the content of an entry is the head as JSON."""
    atom = FeedGenerator()
    atom.id(f"{portal.address()}/record/heads.atom")
    atom.title(f"{tk.config['ckan.site_title']}: record")
    atom.author(name=tk.config["ckan.site_title"])
    atom.link(href=f"{portal.address()}/record/heads.atom", rel="self")
    shown = heads.newest(model.Session)
    for signed in shown:
        _entry(atom, signed)
    if shown:
        atom.updated(shown[0].at)
    return OwnCaching(atom.atom_str(), content_type="application/atom+xml", headers={"Cache-Control": SOON})


def _entry(atom: FeedGenerator, signed: Head) -> None:
    place = f"{portal.address()}/record/head.json?size={signed.size}"
    entry = atom.add_entry(order="append")
    entry.id(place)
    entry.title(f"{signed.size}: {signed.root.hex()}")
    entry.link(href=place)
    entry.updated(signed.at)
    entry.content(json.dumps(heads.as_dict(signed)), type="text")


@blueprint.get("/keys.json")
def all_keys() -> Response:
    """The statements of all keys, oldest first."""
    return _answer({"keys": keys.history(model.Session)}, SOON)


@blueprint.get("/proof/<int:index>")
def proof(index: int) -> Response:
    """That leaf `index` is in the log of a signed head: the newest, or with `size` that of so many leaves."""
    signed = _head(_number("size"))
    if index >= signed.size:
        raise KzError("record.no_leaf")
    path = proofs.inclusion(model.Session, index, signed.size)
    leaf = proofs.hashes(model.Session, [(index, index + 1)])[0]
    found = {"index": index, "hash": leaf.hex(), "head": heads.as_dict(signed), "proof": [step.hex() for step in path]}
    return _answer(found, SOON)


@blueprint.get("/consistency")
def consistency() -> Response:
    """That the log of `to` leaves begins with that of `from`."""
    first, second, size = _number("from") or 0, _number("to") or 0, proofs.log_size(model.Session)
    if not 1 <= first <= second <= size:
        raise KzError("record.bad_sizes", size=str(size))
    path = proofs.consistency(model.Session, first, second)
    return _answer({"from": first, "to": second, "proof": [step.hex() for step in path]}, FOREVER)


@blueprint.get("/receipt/<uuid:number>")
def receipt(number: UUID) -> Response:
    """The receipt of that number, for who was given it; renewed with the newest head."""
    try:
        return _answer(portal.give_receipt(number), "private, no-store")
    except (LookupError, NotRecorded):
        raise KzError("record.no_leaf") from None


@blueprint.errorhandler(proofs.LogBroken)
def broken(error: proofs.LogBroken) -> Response | tuple[str, int]:
    """The log was changed from outside: the reader is told so, the operator reads what in the log file."""
    log.error("%s", error)
    return requests.answer(KzError("record.broken"))


def _head(size: int | None) -> Head:
    found = heads.latest(model.Session) if size is None else model.Session.get(Head, size)
    if found is None:
        raise KzError("record.no_head")
    return found


def _number(name: str) -> int | None:
    """A whole number of the query, None when it is not there."""
    given = request.args.get(name)
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise KzError("web.bad_input", problems=[name])
    return int(given)


def _answer(content: dict[str, Any], caching: str) -> Response:
    headers = {"Cache-Control": caching, "Access-Control-Allow-Origin": "*"}
    return OwnCaching(json.dumps(content, ensure_ascii=False), content_type="application/json", headers=headers)
