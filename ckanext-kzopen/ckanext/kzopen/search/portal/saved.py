"""What saved searches mean: the same models and trees as the page, looked up in the document that PostgreSQL keeps.

No engine is asked, so that one that is away or behind keeps nobody from being told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ckan.common import config
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.notices import searches
from ckanext.kzopen.core.texts import LANGUAGES, day, in_language
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.search import registry, store
from ckanext.kzopen.search.evaluation import holds
from ckanext.kzopen.search.portal import asked, found, reading
from ckanext.kzopen.search.portal.answering import conditions
from ckanext.kzopen.search.portal.question import Question, filters_of, lenient
from ckanext.kzopen.search.registry import AnySession
from ckanext.kzopen.search.tree import Node, Not, Range
from ckanext.kzopen.search.visibility import FROM

MOST_KEPT = 50_000
"""Addresses whose meaning a process keeps."""
_OPENED = Not(Range(FROM, "NOW", None, include_low=False))


def announce() -> None:
    """Let subscriptions understand addresses of searches."""
    mail.templates(Path(__file__).parents[1] / "mail")
    searches.understood_by(searches.Searches(canonical, title, fitting, tell_of_found, may_see))


def _question(address: str) -> Question:
    return lenient(parse_qs(address)).model_copy(update={"sort": "relevance"})


def canonical(address: str) -> str:
    """Known parameters in their order, values sorted; "" for a question without words and filters, or one that is refused."""
    question = _question(address)
    values = {one.name: sorted(question.chosen(one)) for one in filters_of(question.within)}
    try:
        reading.read(question.q)
    except KzError:
        return ""
    return question.address(**values) if question.q or question.narrowed else ""


def title(session: AnySession, address: str) -> Mapping[str, str]:
    """Words, section, filters and days, in each language of the portal."""
    question = _question(address)
    labelled = {one.name: one.values(session, question.chosen(one)) for one in filters_of(question.within)}
    return {language: " · ".join(_parts(question, labelled, language)) for language in LANGUAGES}


def _parts(question: Question, labelled: Mapping[str, Mapping[str, Any]], language: str) -> list[str]:
    parts = [f"«{question.q}»"] if question.q else []
    parts += [in_language(question.within.label, language)] if question.within else []
    parts += [in_language(label, language) for labels in labelled.values() for label in labels.values()]
    days = [day(one, language, short=True) if one else "…" for one in (question.since, question.until)]
    return [*parts, " – ".join(days)] if question.since or question.until else parts


def fitting(session: AnySession, about: str) -> Collection[str]:
    """The addresses of saved searches that find the thing as its document is now; none for what has no document."""
    document = store.fields_of(session, str(config.get("ckan.site_id")), *registry.dereferenced(about))
    if document is None or not holds(_OPENED, document):
        return ()
    return found.Trees(nodes).fitting(asked.candidates(session, document), document)


def tell_of_found(session: AnySession) -> int:
    """Tell of all that newly fits a saved search; how many documents were looked at."""
    return found.tell(session, nodes)


def may_see(session: AnySession, about: str, readers: frozenset[str]) -> frozenset[str] | None:
    """Who finds a thing of any section now."""
    return found.who_may(session, str(config.get("ckan.site_id")), about, readers)


def nodes(address: str) -> Sequence[Node]:
    """What an address asks for; raises KzError for one that is refused."""
    return _nodes(address, tuple(one.entity_type for one in registry.sections()))


@lru_cache(maxsize=MOST_KEPT)
def _nodes(address: str, _sections: tuple[str, ...]) -> Sequence[Node]:
    """To read an address takes a hundred times as long as to look whether a document fits it."""
    question = _question(address)
    return (*conditions(question), reading.read(question.q).node)
