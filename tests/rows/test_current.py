"""DataStore is brought back to the current version, whatever happened to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from ckan import model
from ckan.tests.helpers import call_action
from ckanext.kzopen.rows import cli as commands
from ckanext.kzopen.rows import current, datastore, jobs
from ckanext.kzopen.rows.current import Astray
from sqlalchemy import text
from sqlalchemy.engine import Engine

from tests.rows.conftest import TABLE, Publish

pytestmark = pytest.mark.usefixtures("with_request_context")
TWO = pa.table({"bin": ["000140000012", "990240000415"], "note": ["құбыр", "жол"]})


def eventually(condition: Callable[[], bool]) -> None:
    """Wait up to 20 seconds for it to be true."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def mine(uri: str) -> list[Astray]:
    return [one for one in current.astray(model.Session()) if one.uri == uri]


def test_a_resource_at_its_current_version_is_not_astray(uri: str, publish: Publish, resource_id: str) -> None:
    current.reload(publish(resource_id=resource_id))
    assert mine(uri) == []


def test_a_resource_without_its_table_is_astray(uri: str, publish: Publish, resource_id: str) -> None:
    publish(TWO, resource_id=resource_id)
    assert mine(uri) == [Astray(uri, 1, resource_id, 2, None)]


def test_the_rows_of_an_old_version_are_astray_even_if_they_are_as_many(uri: str, publish: Publish, resource_id: str) -> None:
    current.reload(publish(TWO, resource_id=resource_id))
    publish(TWO.slice(0, 1).append_column("x", pa.array(["y"])), resource_id=resource_id)
    publish(pa.concat_tables([TWO.slice(1), TWO.slice(0, 1)]), resource_id=resource_id)
    assert mine(uri) == [Astray(uri, 3, resource_id, 2, 2)]


def test_a_lost_row_is_noticed_and_reload_brings_it_back(
    uri: str, publish: Publish, resource_id: str, write_engine: Engine
) -> None:
    version = publish(TWO, resource_id=resource_id)
    current.reload(version)
    with write_engine.begin() as connection:
        connection.execute(text(f'DELETE FROM "{resource_id}" WHERE _id = 1'))
    assert mine(uri) == [Astray(uri, 1, resource_id, 2, 1)]
    assert current.reload(version).rows == 2
    assert mine(uri) == []


def test_a_version_without_a_resource_cannot_be_loaded(publish: Publish) -> None:
    with pytest.raises(ValueError, match="has no resource"):
        current.reload(publish())


def test_the_job_makes_large_tables_searchable(resource_id: str, write_engine: Engine) -> None:
    with write_engine.begin() as connection:
        datastore.load(connection, resource_id, TWO, sha256="a" * 64, schema={"fields": []}, full_text=False)
    jobs.fill_full_text()
    # The suite's own worker runs the same job each minute and may be at it.
    eventually(lambda: resource_id not in current.without_words())
    assert call_action("datastore_search", resource_id=resource_id, q="құбыр")["total"] == 1


def test_only_one_process_fills_words_at_a_time(resource_id: str, write_engine: Engine) -> None:
    with write_engine.begin() as connection:
        datastore.load(connection, resource_id, TWO, sha256="a" * 64, schema={"fields": []}, full_text=False)
    with write_engine.connect() as other:
        eventually(lambda: bool(other.scalar(current.ONE_AT_A_TIME)))
        waiting = current.without_words()
        assert current.fill_words() == 0
        assert current.without_words() == waiting
        other.invalidate()


def test_a_table_that_ckan_made_itself_is_left_alone(resource_id: str, write_engine: Engine) -> None:
    with write_engine.begin() as connection:
        connection.execute(text(f'CREATE TABLE "{resource_id}" (_id serial primary key, _full_text tsvector, a text)'))
    assert resource_id not in current.without_words()


def test_check_names_what_is_astray_and_reload_mends_it(cli: Any, uri: str, publish: Publish, resource_id: str) -> None:
    publish(TABLE, resource_id=resource_id)
    found = cli.invoke(commands.kzopen_rows, ["check"])
    assert (found.exit_code, f"{uri}: version 1 has 1 rows, the DataStore None" in found.output) == (1, True)
    mended = cli.invoke(commands.kzopen_rows, ["reload", uri])
    assert (mended.exit_code, mended.output) == (0, f"{uri}: version 1, 1 rows\n")
    assert mine(uri) == []


def test_reload_of_an_unknown_data_set_says_so(cli: Any) -> None:
    answer = cli.invoke(commands.kzopen_rows, ["reload", "nothing-here"])
    assert answer.exit_code == 1
    assert "no version of nothing-here has been published" in answer.output
