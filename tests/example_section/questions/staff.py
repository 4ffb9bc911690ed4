"""`/staff/questions`: what waits for an agency, and the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import desk, law, states
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import request
from sqlalchemy import select

from tests.example_section.questions.model import Question
from tests.example_section.questions.views import known

RIGHT = "questions.answer"
TITLE = {"kk": "Сұрақтар", "ru": "Вопросы", "en": "Questions"}
ANSWER = {"kk": "Сұраққа жауап беру", "ru": "Ответить на вопрос", "en": "Answer the question"}
blueprint = desk.pages("example_questions_staff")


def tasks(session: Any, visitor: desk.Visitor) -> Iterable[desk.Task]:
    """Questions without an answer, with the last day of the term."""
    agencies = visitor.scope(RIGHT)
    waiting = select(Question).where(Question.state == "received").order_by(Question.asked)
    for question in session.scalars(waiting if agencies is None else waiting.where(Question.agency_id.in_(agencies))):
        last = law.due("appeal.answer", question.asked).date
        yield desk.Task(
            question.text[:80], f"/staff/questions/{question.id}", ANSWER, question.agency_id, last, question.asked
        )


@blueprint.get("/questions")
def index() -> desk.Page:
    """All that waits."""
    return tk.render("questions/desk.html", {"tasks": list(tasks(model.Session, desk.visitor()))})


@blueprint.route("/questions/<uuid:number>", methods=["GET", "POST"])
def decide(number: UUID) -> desk.Page:
    """The question with a button for each transition that this person may start; what was typed stays when it is refused."""
    question, me, error = known(number), str(tk.current_user.id), ""
    if request.method == "POST":
        given = {name: request.form.get(name, "").strip() for name in ("answer", "reason")}
        try:
            way = request.form.get("transition", "")
            fields = {"answer": given["answer"]} if way == "answer" else {}
            states.change(model.Session, "question", question, way, me, reason=given["reason"], **fields)
            model.Session.commit()
            return tk.redirect_to("example_questions_staff.index")
        except KzError as objection:
            if objection.code == "web.not_allowed":
                raise
            error = objection.text(request_language())
    ways = {name: states.machine_of("question").label_of(name) for name in states.possible("question", question, me)}
    if not ways and not error:
        raise KzError("web.not_allowed", right=RIGHT)
    return tk.render("questions/decide.html", {"question": question, "ways": ways, "error": error, "values": request.form})
