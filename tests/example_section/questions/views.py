"""`/questions`: ask an agency, read the answer, take the receipts."""

from __future__ import annotations

from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import states
from ckanext.kzopen.core.record import Leaf
from ckanext.kzopen.core.web.errors import KzError
from flask import Blueprint, Response, request
from sqlalchemy import select

from tests.example_section.questions.model import Question

blueprint = Blueprint("example_questions", __name__, url_prefix="/questions")
Page = str | Response


@blueprint.route("/ask/<agency>", methods=["GET", "POST"])
def ask(agency: str) -> Page:
    """The form, and the question that it sends; asking needs an account."""
    group = model.Group.get(agency)
    if group is None or not group.is_organization:
        raise KzError("web.not_found")
    if tk.current_user.is_anonymous:
        return tk.h.redirect_to("user.login", came_from=request.path)
    text = request.form.get("text", "").strip()
    if not text:
        return tk.render("questions/ask.html", {"agency": group, "missing": request.method == "POST"})
    asker = str(tk.current_user.id)
    question = Question(agency_id=group.id, asker=asker, text=text)
    states.begin(model.Session, "question", question, asker, text=text)
    model.Session.commit()
    return tk.redirect_to("example_questions.show", number=question.id)


@blueprint.get("/<uuid:number>")
def show(number: UUID) -> Page:
    """A question with its answer; who asked it finds the numbers of the receipts."""
    question = known(number)
    own = not tk.current_user.is_anonymous and tk.current_user.id == question.asker
    leaves = select(Leaf).where(Leaf.kind == "question", Leaf.object_id == str(number)).order_by(Leaf.index)
    receipts = list(model.Session.scalars(leaves)) if own else []
    state = states.machine_of("question").states[question.state]
    return tk.render("questions/show.html", {"question": question, "state": state, "receipts": receipts})


def known(number: UUID) -> Question:
    """The question of that number; KzError when there is none."""
    found = model.Session.get(Question, number)
    if found is None:
        raise KzError("web.not_found")
    return found
