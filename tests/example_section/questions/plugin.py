"""Plugin `example_questions`: how the section joins the product."""

from __future__ import annotations

from pathlib import Path

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckanext.kzopen.core import desk, mail, notices, states
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.search import registry
from flask import Blueprint

from tests.example_section.questions import index, staff, telling, views

HERE = Path(__file__).parent


class QuestionsPlugin(p.SingletonPlugin):
    """Pages, a desk, rights, states, notices and search of questions."""

    p.implements(p.IBlueprint)
    p.implements(p.IConfigurer)

    def update_config(self, config: tk.CKANConfig) -> None:
        """Everything that the section registers."""
        tk.add_template_directory(config, "templates")
        roles.register(HERE / "roles.yaml")
        states.register(HERE / "question.yaml")
        desk.register(desk.Desk("questions", staff.TITLE, "/staff/questions", staff.RIGHT, staff.tasks))
        mail.templates(HERE / "mail")
        notices.visible("question", lambda session, number, readers: None)  # everybody may see a question
        for topic in ("question.answer", "question.refuse"):
            notices.on(topic, telling.of_answer)
        registry.register(index.SECTION)

    def get_blueprint(self) -> list[Blueprint]:
        return [views.blueprint, staff.blueprint]
