"""One world for all tests of the matrix; its making waits for the worker, so it is made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.tests.helpers import CKANTestApp

from tests.security.world import World, make_world


@pytest.fixture(scope="session")
def world(app: CKANTestApp) -> World:
    return make_world(app)


@pytest.fixture(autouse=True)
def _nothing_was_tried(app: CKANTestApp) -> None:
    """Each test asks what everybody may do, not how often; the same forms are sent in every language."""
    redis = connect_to_redis()
    for key in redis.scan_iter("kzopen:tries:*"):
        redis.delete(key)


@pytest.fixture(autouse=True)
def _sessions_end() -> Iterator[None]:
    yield
    model.Session.remove()
