"""`/problems/<code>`: what the `type` of a problem object leads to, the error in all languages, as JSON."""

from __future__ import annotations

from ckanext.kzopen.core.web import errors
from ckanext.kzopen.core.web.problem import title
from flask import Blueprint, Response, jsonify

blueprint = Blueprint("kzopen_problems", __name__)


@blueprint.get("/problems")
def index() -> Response:
    """Every code of an error that the portal may give."""
    return jsonify(codes=errors.codes())


@blueprint.get("/problems/<code>")
def show(code: str) -> Response:
    """The status and the sentence of one code, placeholders as they are."""
    template = errors.template(code)
    if template is None:
        raise errors.KzError("web.not_found")
    titles = {language: title(template.status, language) for language in template.sentence}
    return jsonify(code=code, status=template.status, title=titles, detail=template.sentence)
