"""Keywords that are new: two who bring the same one at the same time make one of it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.publishing import datasets
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

pytestmark = pytest.mark.usefixtures("app")


def fields(*names: str) -> list[dict[str, object]]:
    return [{"tags": [{"name": name} for name in names]}]


def test_who_brings_a_new_keyword_waits_for_another_who_does_and_nobody_else_waits() -> None:
    known, new = (f"keyword-{uuid4().hex[:8]}" for _ in range(2))
    with Session(model.meta.engine) as first, Session(model.meta.engine) as second:
        first.execute(text("INSERT INTO tag (id, name) VALUES (:name, :name)"), {"name": known})
        first.commit()
        datasets.hold_keywords(first, fields(known, new))
        second.execute(text("SET LOCAL lock_timeout = '200ms'"))
        datasets.hold_keywords(second, fields(known))
        datasets.hold_keywords(second, fields())
        with pytest.raises(OperationalError, match="lock timeout"):
            datasets.hold_keywords(second, fields(new))
        second.rollback()
        first.rollback()
        datasets.hold_keywords(second, fields(new))
        second.execute(text("DELETE FROM tag WHERE id = :name"), {"name": known})
        second.commit()
