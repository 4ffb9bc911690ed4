"""`/staff/letters`: every mail that the portal writes, filled with values to try it, in each language; for operators."""

from __future__ import annotations

from dataclasses import dataclass

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.mail.messages import paragraphs
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from markupsafe import Markup

SEE = "notices.see"
TITLE = {"kk": "Хаттардың үлгілері", "ru": "Шаблоны писем", "en": "Templates of mails"}

blueprint = pages("kzopen_letters")
register(Desk("letters", TITLE, "/staff/letters", SEE, order=97))


@dataclass(frozen=True)
class Shown:
    """A mail in one language: its subject, and the two parts in which it is sent."""

    language: str
    subject: str
    text: str
    html: Markup


@blueprint.get("/letters")
def index() -> Page:
    """The templates by name, each with its subject in the reader's language."""
    visitor().require(SEE)
    listed = [(name, _shown(name, request_language()).subject) for name in mail.template_names()]
    return tk.render("desk/letters.html", {"listed": listed})


@blueprint.get("/letters/<name>")
def show(name: str) -> Page:
    """One template in all languages; KzError web.not_found."""
    visitor().require(SEE)
    if name not in mail.template_names():
        raise KzError("web.not_found")
    return tk.render("desk/letter.html", {"name": name, "shown": [_shown(name, language) for language in LANGUAGES]})


def _shown(name: str, language: str) -> Shown:
    letter = mail.rendered(name, language, mail.sample(name))
    return Shown(language, letter.subject, letter.text, Markup(paragraphs(letter.text)))  # noqa: S704 - escaped there
