"""`/data/{uri}/certificate.json` and `.pdf`: all accepted versions of a table that the public record knows, with their proofs.

No login is asked where anybody may read the table. A version that was withdrawn stays in the record, by its hash.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.record import portal
from ckanext.kzopen.core.record.certificate import certificate
from ckanext.kzopen.core.web.caching import uncached
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.views import blueprint, readable
from flask import Response

__all__ = ["blueprint"]

MEDIA_TYPES = {"json": "application/json", "pdf": "application/pdf"}


@blueprint.get("/<uri>/certificate.<any(json, pdf):form>")
def certified(uri: str, form: str) -> Response:
    """The certificate of now, signed anew at each request."""
    version = readable(versions.latest(model.Session(), uri), uri)
    title = tk.h.get_translated(tk.get_action("package_show")({}, {"id": version.package_id}), "title")
    try:
        given = certificate(
            model.Session,
            portal.portal_ring(),
            [("version", version.package_id)],
            datetime.now(UTC),
            portal=portal.address(),
            subject={"title": title, "uri": uri, "address": f"{portal.address()}/dataset/{uri}"},
            content={},
        )
    except LookupError:
        raise KzError("web.not_found") from None
    model.Session.commit()
    answer = Response(_written(given, form, title), content_type=MEDIA_TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{uri}-certificate.{form}"'
    return uncached(answer)


def _written(given: dict[str, Any], form: str, title: str) -> bytes:
    if form == "json":
        return json.dumps(given, ensure_ascii=False).encode()
    from ckanext.kzopen.core.record.certificate_pdf import certificate_pdf  # here: fonts and signatures are loaded on demand

    return certificate_pdf(given, portal.portal_ring(), title)
