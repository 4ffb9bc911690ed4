"""A kind in one file under 60 lines: the guide shows it with its test, and both run as they are shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kzopen_harvesters
import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import jobs
from ckanext.kzopen.publishing.harvest import batches, form, kinds, runs
from ckanext.kzopen.publishing.harvest.jobs import advance_run, work_on_batch

from tests.harvesters.library import LibrarySettings
from tests.harvesters.library_tests import (
    test_the_list_is_read_to_its_end,
    test_what_failed_is_fetched_again_and_nothing_else,
)
from tests.publishing.conftest import new_agency
from tests.publishing.harvest.conftest import Harvest

__all__ = ["test_the_list_is_read_to_its_end", "test_what_failed_is_fetched_again_and_nothing_else"]

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "harvesting.md"
DOES = {runs.TASK: advance_run, batches.TASK: work_on_batch}


def shown(name: str) -> str:
    """What the guide shows as the file of that name."""
    [text] = re.findall(rf"```python tests/harvesters/{name}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


@pytest.mark.parametrize("name", ["library.py", "library_tests.py"])
def test_the_newcomer_s_files_stand_in_the_guide(name: str) -> None:
    assert shown(name) == (HERE / name).read_text(encoding="utf-8")


def test_the_newcomer_s_kind_is_short() -> None:
    assert shown("library.py").count("\n") < 60


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of kinds has one file more, as it stands in the guide."""
    (tmp_path / "library.py").write_text(shown("library.py"), encoding="utf-8")
    monkeypatch.setattr(kzopen_harvesters, "__path__", [*kzopen_harvesters.__path__, str(tmp_path)])
    kinds.kinds.cache_clear()
    yield
    sys.modules.pop(f"{kinds.PACKAGE}.library")
    kinds.kinds.cache_clear()


@pytest.fixture
def harvest(added: None, app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> Harvest:
    """The worker, which has not begun anew, does not know the kind yet: its jobs are this process's.

    In the queue they stand for later and without a lock, so that they are not taken for lost, and nobody waits for them.
    """
    given: list[tuple[str, dict[str, Any]]] = []
    defer = jobs.defer

    def keep(session: Any, name: str, *, lock: str | None = None, at: datetime | None = None, **values: Any) -> None:
        if name not in DOES:
            defer(session, name, lock=lock, at=at, **values)
            return
        given.append((name, values))
        defer(session, name, at=datetime.now(UTC) + timedelta(days=1), **values)

    class Here(Harvest):
        def ended(self, number: str) -> dict[str, Any]:
            with self.app.flask_app.test_request_context():
                while given:
                    name, values = given.pop(0)
                    DOES[name](**values)
            return super().ended(number)

    monkeypatch.setattr(jobs, "defer", keep)
    return Here(app, new_agency(app, "admin"))


def test_the_form_of_a_kind_comes_from_its_settings() -> None:
    assert [(field.name, field.label["kk"], field.type, field.required) for field in form.fields_of(LibrarySettings)] == [
        ("address", "API мекенжайы", "text", True)
    ]
