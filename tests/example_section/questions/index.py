"""Questions in the one search of the portal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from ckanext.kzopen.search.registry import AnySession, Section
from sqlalchemy import select

from tests.example_section.questions.model import Question


def source(session: AnySession, number: str) -> Mapping[str, Any] | None:
    """The document of a question; everybody may find it."""
    question = session.get(Question, UUID(number))
    if question is None:
        return None
    told = {"title": question.text, "notes": question.answer, "owner_org": question.agency_id}
    return {**told, "metadata_modified": question.asked, "permission_labels": ["public"]}


def touched(instance: Any) -> Iterable[str]:
    """Whoever changes a question changes its document."""
    return (str(instance.id),) if isinstance(instance, Question) else ()


SECTION = Section(
    "question",
    {"kk": "Сұрақтар", "ru": "Вопросы", "en": "Questions"},
    page=lambda stored: f"/questions/{stored['id']}",
    ids=lambda session: map(str, session.scalars(select(Question.id))),
    source=source,
    touched=touched,
)
