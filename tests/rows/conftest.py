"""A resource id of its own for each test, and connections to DataStore's two engines."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine


@pytest.fixture
def write_engine() -> Engine:
    """DataStore's write engine, as the publish path uses it."""
    from ckanext.datastore.backend.postgres import get_write_engine

    return get_write_engine()


@pytest.fixture
def resource_id(write_engine: Engine) -> Iterator[str]:
    """The id of a resource whose DataStore table is dropped after the test."""
    from ckanext.kzopen.rows import datastore

    name = str(uuid.uuid4())
    yield name
    with write_engine.begin() as connection:
        datastore.drop(connection, name)
