"""What happens around every request: a number for its log lines, its time and count, security headers, errors as problems."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
import structlog
from ckan import model
from ckanext.kzopen.core.web import metrics, no_room
from ckanext.kzopen.core.web.caching import uncached
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.headers import security_headers
from ckanext.kzopen.core.web.health import Alive, Wsgi
from ckanext.kzopen.core.web.problem import of_status, problem, request_language, title
from flask import Flask, Response, before_render_template, current_app, g, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, default_exceptions

log = logging.getLogger(__name__)
ERROR_PAGE = "error_document_template.html"
STATIC = ("static", "webassets.index")
READING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing, on pages and interfaces of ours."""
WERKZEUGS = tuple(str(known.description) for known in default_exceptions.values())
"""Its own English sentences."""


def install(app: Flask) -> None:
    """Hang our part around CKAN's; its own `after_request` runs after ours and keeps what we set."""
    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.before_request(refuse_unstorable)
    app.after_request(finish)
    app.register_error_handler(KzError, answer)
    for broken in (OSError, DBAPIError):
        app.register_error_handler(broken, answer_without_room)
    for raised in (tk.NotAuthorized, tk.ObjectNotFound, tk.ValidationError):
        app.register_error_handler(raised, answer_of_ckan)
    for status in default_exceptions:
        app.register_error_handler(status, answer_of_status)
    app.register_error_handler(HTTPException, answer_of_status)
    if not (app.debug or app.testing):  # as CKAN does: there the error itself is to be seen
        app.register_error_handler(Exception, answer_of_error)
    before_render_template.connect(start_assets_anew, app)
    app.wsgi_app = Alive(GivesSessionBack(app.wsgi_app))  # type: ignore[method-assign]


class GivesSessionBack:
    """CKAN gives its session back after each answer. Where even the page of an error broke there is none, and the thread would
    keep a session whose connection is gone: each later request of it would end in the same error."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        try:
            return self._application(environ, start_response)
        except BaseException:
            model.Session.remove()
            raise


def begin() -> None:
    """Start the clock and give the request its number; a number that a proxy gave is kept when it is a plain one."""
    given = request.headers.get("X-Request-ID", "")
    g.kzopen_request = given if given.isascii() and given.isalnum() and len(given) <= 64 else uuid.uuid4().hex
    g.kzopen_started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.kzopen_request)


def refuse_unstorable() -> None:
    """An address with NUL names nothing: PostgreSQL stores no such text, and asking it would be an error of the portal."""
    if "\x00" in request.path or b"%00" in request.query_string:
        raise KzError("web.not_found")


def start_assets_anew(_: Flask, template: Any, **__: Any) -> None:
    """An error page asks for its styles again: a page that broke half-way has asked for them and thrown them away."""
    if template.name == ERROR_PAGE:
        g.pop("_webassets", None)


def finish(response: Response) -> Response:
    """Count the request and set headers; a header that a view has set itself is left as it is."""
    seconds = time.perf_counter() - g.get("kzopen_started", time.perf_counter())
    metrics.count(request.method, request.endpoint, response.status_code, seconds)
    # For the web server's access record: what was asked for, so that nobody has to guess it from the address.
    request.environ["kzopen.route"] = request.endpoint or ""
    request.environ["kzopen.arguments"] = dict(request.view_args or {})
    request.environ["kzopen.request"] = g.get("kzopen_request", "")
    https = tk.config["ckan.site_url"].startswith("https://")
    for name, value in security_headers(request.endpoint, request.path, https=https).items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("X-Request-ID", g.get("kzopen_request", ""))
    if request.endpoint not in STATIC and current_user.is_authenticated:
        uncached(response)  # theirs included: the next user of the machine presses Back
    return response


def wants_page() -> bool:
    """Whether the caller is a person with a browser, outside the APIs."""
    return not request.path.startswith("/api/") and request.accept_mimetypes.accept_html


def answer(error: KzError) -> Response | tuple[str, int]:
    """An error of ours: a problem object for programs, CKAN's error page with our sentence for people."""
    if not wants_page():
        return problem(error)
    return page_of(error.status, error.text(request_language()))


def page_of(status: int, sentence: str) -> tuple[str, int]:
    """CKAN's error page with this sentence."""
    page = render_template(
        ERROR_PAGE,
        code=status,
        name=title(status, request_language()),
        content=sentence,
        show_login_redirect_link=status in (401, 403) and current_user.is_anonymous,
    )
    return page, status


def answer_without_room(error: Exception) -> Response | tuple[str, int]:
    """A disk that is full is told with 507 and logged; any other error is an error of the portal.

    The transaction that met it is over first: the page that tells of the error asks the database again.
    """
    model.Session.rollback()
    told = no_room.told(error)
    log.error("no room on the disk: %s", error)
    return answer(told)


def answer_of_ckan(error: Exception) -> Response | tuple[str, int]:
    """What an action of CKAN raised and no view has caught, told like an error of ours."""
    if isinstance(error, tk.ValidationError):
        problems = "; ".join(f"{field}: {told}" for field, told in error.error_summary.items())
        return answer(KzError("web.bad_input", problems=problems))
    if isinstance(error, tk.ObjectNotFound):
        return answer(KzError("web.not_found"))
    return answer(KzError("web.not_signed_in" if current_user.is_anonymous else "web.not_allowed"))


def answer_of_status(error: HTTPException) -> Response | tuple[str, int]:
    """A status that routing, Werkzeug or a view of CKAN ended with: an address that is none, a method that it does not take.

    Where only Werkzeug's English sentence was given, ours stands in its place.
    """
    log.info("%s", error)
    if isinstance(error, CSRFError):
        return answer(KzError("web.form_expired"))
    status, general = error.code or 500, of_status(error.code or 500)
    language = request_language()
    given = str(error.description or "")
    sentence = general.text(language) if not given or given.startswith(WERKZEUGS) else given
    if wants_page() or not (request.accept_mimetypes or request.path.startswith("/api/")):
        return page_of(status, sentence)
    response = problem(general, language=language, status=status, title=title(status, language), detail=sentence)
    response.status_code = status
    response.headers.update(one for one in error.get_headers() if one[0] != "Content-Type")
    return response


def answer_of_error(error: Exception) -> Response | tuple[str, int]:
    """What nobody has foreseen is logged whole and told as an error of the portal, without its words.

    The transaction that met it is over first: the page that tells of the error asks the database again.
    """
    # On the application's own log, where CKAN hangs the mail to the operator (`email_to`).
    current_app.logger.error("%s %s: %s", request.method, request.path, type(error).__name__, exc_info=error)
    model.Session.rollback()
    return answer(KzError("web.internal"))
