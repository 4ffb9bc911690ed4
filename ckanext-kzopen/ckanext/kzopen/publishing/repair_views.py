"""The staff's way from a wrong file to a right one: repairs accepted with a click, the corrected file, the empty template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.publishing import datasets, inbox, repairs, rights, staff
from ckanext.kzopen.publishing.desk import Page, blueprint, me, mine
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.process import schema_for
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.publishing.views import my_delivery
from ckanext.kzopen.publishing.waiting import wait_for
from flask import Response, request

if TYPE_CHECKING:
    from ckanext.kzopen.validation.report import Finding

LARGEST = 20 << 20
MOST_CELLS = 1_000_000


@blueprint.get("/datasets/<uri>/template.xlsx")
def template(uri: str) -> Response:
    """An empty workbook with headers, hints, lists and an example row, in the language of the page."""
    from ckanext.kzopen.publishing import workbooks

    passport = mine(uri, rights.DELIVER)
    body = workbooks.template(passport.schema, staff.TYPES, request_language())
    return _attachment(body, f"{uri}.xlsx", workbooks.MEDIA_TYPE)


@blueprint.post("/deliveries/<uuid:number>/repairs")
def accept_repairs(number: UUID) -> Page:
    """Accept repairs of a file: they are remembered for its data set, but for those that may be wrong for its next file, and
    the same bytes are checked again with them."""
    delivery = my_delivery(number, rights.DELIVER)
    possible = repairs.offered(delivery)
    wanted = [possible[value] for value in request.form.getlist("repair") if value in possible]
    if not wanted:
        tk.h.flash_error(KzError("publishing.no_repair").text(request_language()))
        return tk.h.redirect_to("kzopen_staff.delivery", number=number)
    passport, actor = mine(delivery.uri, rights.DELIVER), datasets.user_id(me())
    repairs.accept(model.Session(), delivery, wanted, actor, request.remote_addr)
    try:
        new = repairs.again(model.Session(), configured(), delivery, passport, wanted, actor, request.remote_addr)
    except FileNotFoundError as gone:
        raise KzError("publishing.bytes_are_gone") from gone
    wait_for(model.Session(), new, tk.config["kzopen.answer_wait"])
    return tk.h.redirect_to("kzopen_staff.delivery", number=new.id)


@blueprint.post("/datasets/<uri>/repairs/forget")
def forget_repair(uri: str) -> Page:
    """Take back the consent to a repair; files that come later are not mended so."""
    passport = mine(uri, rights.DELIVER)
    kind, _, field = request.form.get("repair", "").partition(":")
    agency = model.Package.get(passport.package_id).owner_org
    repairs.forget(model.Session(), passport, kind, field, datasets.user_id(me()), agency)
    model.Session.commit()
    return tk.h.redirect_to("kzopen_staff.dataset", uri=uri)


@blueprint.get("/deliveries/<uuid:number>/corrected.xlsx")
def corrected(number: UUID) -> Response:
    """The rows of a delivery after the repairs that were accepted, and those that are offered and lose nothing; what is still
    wrong is marked red with its reason."""
    from ckanext.kzopen.publishing import workbooks

    delivery = my_delivery(number, rights.DELIVER)
    if delivery.size > LARGEST:
        raise KzError("publishing.too_large_to_correct", limit=LARGEST)
    mended = _mended(delivery, mine(delivery.uri, rights.DELIVER))
    body = workbooks.marked(mended.labels, mended.rows, mended.notes, mended.columns)
    return _attachment(body, f"{delivery.uri}-corrected.xlsx", workbooks.MEDIA_TYPE)


@dataclass(frozen=True)
class _Mended:
    labels: Sequence[str]
    rows: Iterator[tuple[int, Sequence[str]]]
    notes: dict[tuple[int, int], str]
    columns: dict[int, set[int]]


def _mended(delivery: Delivery, passport: Passport) -> _Mended:
    """The file once more with every repair that was accepted for it or loses nothing."""
    # Loaded here: web processes do without the libraries that read files until somebody asks for this.
    from ckanext.kzopen.validation.check import check_file

    try:
        path = inbox.stored_file(configured().files_url, delivery.path)
    except FileNotFoundError as gone:
        raise KzError("publishing.bytes_are_gone") from gone
    schema = schema_for(delivery.mode, passport.schema)
    known = repairs.keys(model.Session(), delivery)
    first = check_file(path, schema, accepted=known, suggest=True)
    if first.mendable is None:  # read in the likeliest encoding, where that is all that stands against it
        known |= {repair.key for repair in first.report.repairs[:1]}
        first = check_file(path, schema, accepted=known, suggest=True)
    wanted = known | {repair.key for repair in first.report.repairs if not repair.once}
    checked = check_file(path, schema, accepted=wanted, suggest=True)
    table = checked.mendable
    if table is None:
        raise KzError("publishing.not_a_table")
    if table.cells.rows * len(table.names) > MOST_CELLS:
        raise KzError("publishing.too_large_to_correct", limit=LARGEST)
    language = request_language()
    key = schema.get("primaryKey") or ()
    notes = {
        (finding.row if finding.cell is not None or finding.label is None else 0, place): finding.sentence(language)
        for finding in checked.report.findings
        if finding.row is not None
        for place in _places(finding, table.names, [key] if isinstance(key, str) else key)
    }
    columns: dict[int, set[int]] = {repair.column: set() for repair in checked.report.repairs if repair.done and repair.column}
    values: list[list[Any]] = [text.fill_null("").to_list() for text in table.texts]
    rows = zip(table.cells.numbers.to_list(), zip(*values, strict=True), strict=True)
    return _Mended(list(table.names), rows, notes, columns)


def _places(finding: Finding, names: Sequence[str], key: Sequence[str]) -> list[int]:
    """The positions of the cells that a finding is about: its own, all of the key that repeats, else the first of the row."""
    wrong = key if finding.code == "primary-key" else [finding.field or ""]
    found = [finding.number] if finding.number else [n for n, name in enumerate(names, start=1) if name in wrong] or [1]
    return [place for place in found if place <= len(names)]


def _attachment(body: bytes, name: str, media_type: str) -> Response:
    answer = Response(body, mimetype=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
