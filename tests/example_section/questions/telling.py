"""Who is told of what: the asker and those who follow the agency, of the answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ckanext.kzopen.core import notices, outbox

from tests.example_section.questions.model import Question


def of_answer(session: Any, message: outbox.Message) -> list[notices.Telling]:
    """What is told when a question was answered or refused."""
    question = session.get(Question, UUID(message.key))
    values = {"text": question.text, "answer": question.answer or "", "link": f"/questions/{question.id}"}
    about = f"question:{question.id}"
    return [notices.Telling("questions.answered", about, values, question.agency_id, "questions", people=(question.asker,))]
