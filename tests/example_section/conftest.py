"""The portal with the example section, joined to it by an entry point as any plugin of CKAN."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp, _get_test_app
from ckanext.kzopen.core.desk import registry
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.states import machines
from ckanext.kzopen.search import rebuild
from ckanext.kzopen.search import registry as search
from sqlalchemy import Engine, text

NAME = "example_questions"
SECTION = Path(__file__).parent / "questions"
ENTRY = f"[ckan.plugins]\n{NAME} = tests.example_section.questions.plugin:QuestionsPlugin\n"


@pytest.fixture(scope="package")
def engine() -> Engine:
    return model.meta.engine


@pytest.fixture(scope="package")
def table(engine: Engine) -> Iterator[None]:
    """What the section's migration makes."""
    with engine.begin() as connection:
        connection.execute(text((SECTION / "migration.sql").read_text()))
    yield
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE kzopen.example_question"))


@pytest.fixture(scope="package")
def app(table: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CKANTestApp]:
    """The portal in this process, with the section."""
    folder = tmp_path_factory.mktemp("installed")
    installed = folder / f"{NAME}-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(ENTRY)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    before = tk.config["ckan.plugins"]
    tk.config["ckan.plugins"] = [*before, NAME]
    yield _get_test_app()
    tk.config["ckan.plugins"] = before
    p.load_all()
    sys.path.remove(str(folder))
    registry._desks.pop("questions")
    machines.forget("question")
    roles.unregister(SECTION / "roles.yaml")
    search.forget("question")
    rebuild.repair(rebuild.full_check())
