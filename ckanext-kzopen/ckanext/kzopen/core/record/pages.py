"""`/record`: what the public record is, its newest head, and a receipt looked up by its number or looked at, in words."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.record import checking, heads, keys, portal
from ckanext.kzopen.core.record.receipts import NotRecorded
from ckanext.kzopen.core.web.caching import uncached
from flask import Blueprint, Response, make_response, render_template, request

blueprint = Blueprint("kzopen_record_pages", __name__, url_prefix="/record")
Fields = dict[str, str]
NOTHING = object()
"""No receipt was given; `None` is one that somebody sent."""


@blueprint.get("")
def index() -> Response | str:
    """The record explained; with `number`, the receipt of that number in words."""
    number = request.args.get("number", "").strip()
    if not number:
        return _page({}, {})
    try:
        given = portal.give_receipt(UUID(number))
    except ValueError:
        return _private(_page({"number": number}, {"number": _not_a_number()}), 400)
    except (LookupError, NotRecorded):
        return _private(_page({"number": number}, {"number": tk._("The record has no such number.")}), 404)
    return _private(_page({"number": number}, {}, given), 200)


@blueprint.post("/check")
def check() -> Response:
    """A receipt that the reader has, as a file or as text, in words; nothing is kept of it."""
    typed, sent = request.form.get("receipt", "").strip(), request.files.get("file")
    text = (sent.stream.read(checking.LONGEST + 1).decode("utf-8", "replace") if sent else "") or typed
    try:
        given = json.loads(text[: checking.LONGEST])
        return _private(_page({"receipt": typed}, {}, given, tell=False), 200)
    except (ValueError, RecursionError, checking.NotAReceipt):
        sentence = tk._("This is not a receipt of the record, or a part of it is missing.")
        return _private(_page({"receipt": typed}, {"receipt": sentence}), 400)


def _not_a_number() -> str:
    return str(tk._("A number looks like 6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11."))


def _page(values: Fields, errors: Fields, given: Any = NOTHING, tell: bool = True) -> str:
    """The page; `given` is a receipt, `tell` shows what was recorded (only to who has the number)."""
    points = None if given is NOTHING else checking.check(model.Session, given)
    newest = heads.latest(model.Session)
    key = keys.in_use(model.Session)
    shown = {"receipt": None if given is NOTHING else given, "points": points, "tell": tell, "head": newest, "key": key}
    return render_template("record/index.html", values=values, errors=errors, **shown)


def _private(page: str, status: int) -> Response:
    """What a receipt tells is for who has it."""
    return uncached(make_response(page, status))
