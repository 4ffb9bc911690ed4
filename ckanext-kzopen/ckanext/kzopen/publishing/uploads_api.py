"""Uploads in parts, in the universal API: announced, sent part by part, completed; they go on where they stopped."""

from __future__ import annotations

from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem
from ckanext.kzopen.publishing import admission, answers, bodies, datasets, receive, rights, uploads
from ckanext.kzopen.publishing.api import answered, blueprint, deliverable, holder, sender, small_body
from ckanext.kzopen.publishing.calls import Completion, UploadOrder
from ckanext.kzopen.publishing.deliveries_api import delivered
from ckanext.kzopen.publishing.model import Upload
from ckanext.kzopen.publishing.site import configured
from flask import Response, request

OFFSET = "Upload-Offset"
LONGEST_NUMBER = 16


class WrongOffset(KzError):
    """A part that does not begin where the last one ended; `received` tells where it has to begin."""

    def __init__(self, error: KzError, upload: Upload) -> None:
        super().__init__(error.code, **error.params)
        self.upload = upload


@blueprint.errorhandler(WrongOffset)
def _wrong_offset(error: WrongOffset) -> Response:
    return problem(error, headers=_headers(error.upload))


@blueprint.post("/uploads")
def begin_upload() -> Response:
    """Announce a large body that will come in parts."""
    sender()
    order = UploadOrder.model_validate_json(small_body())
    user, passport = deliverable(order.dataset, order.mode)
    sending = receive.Sending(
        mode=order.mode,
        sender=datasets.user_id(user),
        source="api",
        check_only=order.check == "only",
        publish_at=order.publish_at,
        media_type=order.media_type,
        file_name=order.file_name,
        key=order.idempotency_key,
    )
    upload = uploads.begin(model.Session(), configured(), passport, sending, order.length, _hours())
    answer = _answer(upload)
    return answered(answer, 201, {"Location": answer.links["self"], **_headers(upload)})


@blueprint.get("/uploads/<uuid:number>")
def get_upload(number: UUID) -> Response:
    """How much has come; `HEAD` tells it in `Upload-Offset`."""
    upload = _mine(number)
    return answered(_answer(upload), headers=_headers(upload))


@blueprint.put("/uploads/<uuid:number>")
def put_part(number: UUID) -> Response:
    """The next part, from `Upload-Offset` on."""
    upload = _mine(number)
    holder().require(upload.mode)
    offset = _offset()
    with admission.receiving(sender(), request.content_length), bodies.incoming() as body:
        try:
            uploads.take_part(model.Session(), configured(), upload, offset, body, request.content_length, _hours())
        except KzError as error:
            if error.code == "publishing.upload_offset":
                raise WrongOffset(error, upload) from None
            raise
    return answered(_answer(upload), headers=_headers(upload))


@blueprint.post("/uploads/<uuid:number>/complete")
def complete_upload(number: UUID) -> Response:
    """Make a delivery of the body that came in parts."""
    upload = _mine(number)
    user, passport = deliverable(upload.uri, upload.mode)
    wanted = Completion.model_validate_json(small_body())
    sending = receive.Sending(
        mode=upload.mode,
        sender=upload.sender,
        source="api",
        check_only=upload.waits_for == "check",
        held=not rights.may(user, rights.APPROVE, passport.package_id),
        publish_at=upload.publish_at,
        media_type=upload.media_type,
        file_name=upload.file_name,
        key=upload.idempotency_key,
        address=request.remote_addr,
    )
    outcome = uploads.complete(model.Session(), configured(), passport, sending, upload, wanted.sha256)
    return delivered(configured(), outcome.delivery, repeated=outcome.repeated)


def _mine(number: UUID) -> Upload:
    return uploads.known(model.Session(), number, datasets.user_id(sender()))


def _offset() -> int:
    given = request.headers.get(OFFSET, "")
    if not (given.isascii() and given.isdigit() and len(given) < LONGEST_NUMBER):
        raise KzError("publishing.upload_bad_offset")
    return int(given)


def _hours() -> int:
    return int(tk.config["kzopen.upload_hours"])


def _headers(upload: Upload) -> dict[str, str]:
    return {OFFSET: str(upload.received), "Upload-Length": str(upload.length)}


def _answer(upload: Upload) -> answers.UploadAnswer:
    return answers.upload_answer(configured(), upload)
