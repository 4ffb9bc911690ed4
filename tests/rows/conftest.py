"""A data set of its own for each test, versions of it, and connections to DataStore's two engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.model import TableFile, Version, add_file, next_number
from sqlalchemy.engine import Engine

TABLE = pa.table({"bin": ["000140000012"], "note": ["=1+1"]})
Publish = Callable[..., Version]


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


@pytest.fixture
def uri() -> Iterator[str]:
    """The name of a data set that is gone after the test."""
    name = f"grants-{uuid.uuid4().hex[:8]}"
    yield name
    model.Session.rollback()
    model.Session.query(Version).filter_by(uri=name).delete()
    model.Session.query(TableFile).filter(TableFile.path.startswith(f"versions/{name}/")).delete()
    model.Session.query(model.Package).filter_by(name=name).delete()
    model.Session.commit()


@pytest.fixture
def publish(uri: str) -> Publish:
    """Publish a version of the data set as the publish path does; DataStore is left to the test."""

    def published(table: pa.Table = TABLE, private: bool = False, resource_id: str | None = None) -> Version:
        package = model.Package.get(uri)
        if package is None:
            package = model.Package(name=uri, private=private, state="active")
            model.Session.add(package)
            model.Session.flush()
        number = next_number(model.Session(), package.id)
        stored = store.write_version(tk.config["kzopen.files_url"], uri, number, table)
        version = Version(
            package_id=package.id,
            resource_id=resource_id,
            uri=uri,
            number=number,
            path=stored.path,
            sha256=stored.sha256,
            size=stored.size,
            rows=stored.rows,
            schema={"fields": [{"name": name} for name in table.column_names]},
            difference={},
        )
        model.Session.add(version)
        add_file(model.Session(), package.id, None, number, stored)
        model.Session.commit()
        return version

    return published
