"""When a token of the API was last used: known to the minute, without a write at every request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from sqlalchemy import update

from tests.core.conftest import statements
from tests.core.people.conftest import HERE, Person


@pytest.mark.parametrize(
    ("ago", "written"),
    [
        (timedelta(seconds=5), False),
        (timedelta(seconds=61), True),
        (None, True),
        (timedelta(seconds=-30), True),  # a clock that was set back
    ],
)
def test_the_last_use_is_written_once_a_minute(
    app: CKANTestApp, new_person: Callable[..., Person], ago: timedelta | None, written: bool
) -> None:
    person = new_person()
    token = tk.get_action("api_token_create")({"ignore_auth": True}, {"user": person.name, "name": "t"})["token"]
    before = None if ago is None else datetime.now(UTC).replace(tzinfo=None) - ago
    model.Session.execute(update(model.ApiToken).where(model.ApiToken.user_id == person.id).values(last_access=before))
    model.Session.commit()
    with statements() as asked:
        answer = app.test_client(use_cookies=False).open(
            "/api/3/action/package_search?rows=0", headers={"Authorization": token}, base_url=HERE
        )
    assert answer.status_code == 200
    model.Session.expire_all()
    after = model.Session.query(model.ApiToken).filter_by(user_id=person.id).one().last_access
    assert (after != before) is written
    assert any(statement.startswith("UPDATE api_token") for statement in asked) is written
