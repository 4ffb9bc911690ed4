"""Rows and deliveries in the universal API: rows are sent, their check is read, people decide."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import systems
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem, request_language
from ckanext.kzopen.publishing import admission, answers, bodies, datasets, decide, formats, receive, recorded, reports, rights
from ckanext.kzopen.publishing.api import answered, blueprint, deliverable, holder, sender, small_body
from ckanext.kzopen.publishing.calls import Decision, ReportQuery, RowsQuery, query
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import Site, configured
from ckanext.kzopen.publishing.waiting import is_under_way, wait_for
from ckanext.kzopen.rows import model as versions
from flask import Response, request
from werkzeug.http import parse_options_header

DIGEST = re.compile(r"sha-256=:([^:]*):")
SMALL = 1 << 20
"""Bytes of a body that is answered at once."""
PREFERRED = re.compile(r'(?:^|,)\s*wait\s*=\s*"?([0-9]+)"?\s*(?:[,;]|$)', re.IGNORECASE)
LONGEST_WAIT = 20
"""Seconds that an answer may be asked to wait for; proxies give up requests after thirty or sixty."""
PLACES = bodies.THREADS // 2
"""Senders who may wait in one process longer than they would without `Prefer`, each for one delivery at a time: half of its
threads stay for others."""
_waiting: set[str] = set()
_places = threading.Lock()


@blueprint.post("/datasets/<uri>/rows")
def post_rows(uri: str) -> Response:
    """Receive rows; a small body is answered when it is published or refused, a large one with the delivery's address, or when
    it is published or refused where its sender prefers to wait.

    Rows of somebody who may not approve wait, checked, for somebody who may.
    """
    sender()
    site, asked = configured(), query(RowsQuery)
    user, passport = deliverable(uri, asked.mode)
    with _body(user) as (stream, file_name, media_type, length):
        sending = receive.Sending(
            mode=asked.mode,
            sender=datasets.user_id(user),
            source="command" if request.headers.get("X-Kzopen-Source") == "command" else "api",
            check_only=asked.check == "only",
            held=not rights.may(user, rights.APPROVE, passport.package_id),
            publish_at=asked.publish_at,
            media_type=media_type,
            file_name=file_name,
            key=request.headers.get("Idempotency-Key"),
            address=request.remote_addr,
            length=length,
            sha256=told_digest(request.headers.get("Content-Digest")),
        )
        outcome = receive.deliver(model.Session(), site.files_url, passport, sending, stream, site.largest)
    small = outcome.delivery.size <= SMALL
    applied = _wait_as_preferred(outcome.delivery, tk.config["kzopen.answer_wait"] if small else 0)
    answer = delivered(site, outcome.delivery, repeated=outcome.repeated)
    answer.headers.update(applied)
    return answer


def _wait_as_preferred(delivery: Delivery, otherwise: float) -> dict[str, str]:
    """Until the worker has done with the delivery or has given it up, at most the seconds of `Prefer: wait=…` (RFC 7240), else
    `otherwise`; the answer's header. To wait longer than `otherwise` needs a place."""
    told = PREFERRED.search(request.headers.get("Prefer", ""))
    preferred = min(int(told[1].lstrip("0")[:3] or 0), LONGEST_WAIT) if told else None
    with _place(sender(), needed=preferred is not None and preferred > otherwise) as given:
        seconds = preferred if preferred is not None and given else otherwise
        if seconds:
            wait_for(model.Session(), delivery, seconds)
    return {"Preference-Applied": f"wait={preferred}"} if told and given else {}


@contextmanager
def _place(name: str, *, needed: bool) -> Iterator[bool]:
    """Whether the sender may wait; a place that is needed for that is theirs until the end of the block."""
    with _places:
        taken = needed and name not in _waiting and len(_waiting) < PLACES
        if taken:
            _waiting.add(name)
    try:
        yield taken or not needed
    finally:
        if taken:
            with _places:
                _waiting.remove(name)


@contextmanager
def _body(user: str) -> Iterator[tuple[Any, str | None, str | None, int | None]]:
    """The stream of rows with its name, media type and length; a form's part named `file` is taken too (curl -F)."""
    with admission.receiving(user, request.content_length), bodies.incoming() as stream:
        if request.mimetype == "multipart/form-data":
            part = request.files.get("file")
            if part is None:
                raise KzError("publishing.no_rows")
            yield part.stream, part.filename, part.mimetype, None
            return
        formats.check_name(request.mimetype)
        _, options = parse_options_header(request.headers.get("Content-Disposition", ""))
        name = options.get("filename")
        yield stream, name[:255] if name else None, request.mimetype or None, request.content_length


def told_digest(header: str | None) -> str | None:
    """The SHA-256 of a header `Content-Digest: sha-256=:base64:` (RFC 9530), in hexadecimal; None where it tells none."""
    found = DIGEST.search(header or "")
    try:
        return base64.b64decode(found[1], validate=True).hex() if found else None
    except binascii.Error:
        raise KzError("publishing.wrong_digest", found="–") from None


def delivered(site: Site, delivery: Delivery, *, repeated: bool = False) -> Response:
    """The answer to whoever has just moved a delivery: a problem when its check refused it, 202 while it is on its way."""
    language = request_language()
    body = _told(site, delivery, language)
    headers = {"Location": body.links["self"]} | ({"Idempotent-Replayed": "true"} if repeated else {})
    if delivery.state == "refused" and delivery.wrong:
        report = reports.page(site, delivery, 0, reports.FIRST_PAGE, language)
        error = KzError("publishing.refused", errors=delivery.wrong)
        return problem(error, headers=headers, delivery=body.model_dump(mode="json"), report=report.model_dump(mode="json"))
    return answered(body, 202 if is_under_way(delivery) else 200, headers)


def _readable_delivery(number: UUID) -> Delivery:
    user = sender()
    delivery = model.Session().get(Delivery, number)
    if delivery is None:
        raise KzError("publishing.unknown_delivery")
    if not rights.may(user, rights.SEE, delivery.package_id):
        raise KzError("publishing.not_readable")
    return delivery


@blueprint.get("/deliveries/<uuid:number>")
def get_delivery(number: UUID) -> Response:
    """Where a delivery stands; with `Prefer: wait=…`, once there is nothing more to wait for."""
    delivery = _readable_delivery(number)
    applied = _wait_as_preferred(delivery, 0)
    return answered(_told(configured(), delivery, request_language()), headers=applied)


def _told(site: Site, delivery: Delivery, language: str) -> answers.DeliveryAnswer:
    version = versions.made_by(model.Session(), str(delivery.id))
    place = recorded.of_version(model.Session(), version) if version else None
    return answers.delivery_answer(site, delivery, version, place, language)


@blueprint.get("/deliveries/<uuid:number>/report")
def get_report(number: UUID) -> Response:
    """A page of what the check found, as JSON or as CSV."""
    delivery = _readable_delivery(number)
    asked = query(ReportQuery)
    page = reports.page(configured(), delivery, asked.offset, asked.limit, request_language())
    if asked.format == "json":
        return answered(page)
    response = Response(reports.as_csv(page), content_type="text/csv; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    if page.next:
        response.headers["Link"] = f'<{page.next}&format=csv>; rel="next"'
    return response


@blueprint.post("/deliveries/<uuid:number>/approve")
def approve_delivery(number: UUID) -> Response:
    """Publish a delivery that waits for a decision, or let it be published at its moment."""
    delivery, user = _decidable(number, rights.APPROVE)
    decide.approve(model.Session(), delivery, user, request.remote_addr)
    return _decided(delivery)


@blueprint.post("/deliveries/<uuid:number>/refuse")
def refuse_delivery(number: UUID) -> Response:
    """Say no to a delivery that waits, is planned or lies in quarantine."""
    delivery = _readable_delivery(number)
    delivery, user = _decidable(number, rights.RELEASE if delivery.state == "quarantined" else rights.APPROVE)
    decide.refuse(model.Session(), delivery, user, _reason(), request.remote_addr)
    return _decided(delivery)


@blueprint.post("/deliveries/<uuid:number>/release")
def release_delivery(number: UUID) -> Response:
    """Let a delivery out of quarantine; only a person may, with a reason."""
    delivery, user = _decidable(number, rights.RELEASE)
    decide.release(model.Session(), delivery, user, _reason(), request.remote_addr)
    return _decided(delivery)


def _decidable(number: UUID, right: str) -> tuple[Delivery, str]:
    """The delivery, and the id of whoever decides on it."""
    delivery = _readable_delivery(number)
    if right == rights.RELEASE and systems.is_actor(sender()):
        raise KzError("publishing.person_only")
    rights.require(sender(), right, delivery.package_id)
    holder().require(delivery.mode)
    return delivery, datasets.user_id(sender())


def _reason() -> str:
    return Decision.model_validate_json(small_body() or b"{}").reason


def _decided(delivery: Delivery) -> Response:
    wait_for(model.Session(), delivery, tk.config["kzopen.answer_wait"])
    return delivered(configured(), delivery)
