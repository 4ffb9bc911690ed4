"""What SQL changes in DataStore past the portal is found, whatever marks and counts say."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import ckan.plugins.toolkit as tk
import pyarrow as pa
import pytest
from ckan import model
from ckanext.kzopen.core import files
from ckanext.kzopen.rows import altering, comparing, current, datastore
from ckanext.kzopen.rows import cli as commands
from ckanext.kzopen.rows.comparing import Difference
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.store import PLACE
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.engine import Engine

from tests.rows.conftest import Publish

pytestmark = pytest.mark.usefixtures("with_request_context")
ROWS = 7
TABLE = pa.table(
    {
        "bin": [f"{n:012d}" for n in range(ROWS)],
        "name": ["", None, 'a "b", c\nd', "=1+1", "Ұлытау", "\\N", " "],
        "sum": pa.array([0.1, 1e20, None, -0.0, 1 / 3, float("inf"), 5.0]),
        "exact": pa.array([Decimal("12345678901234567.89"), None, *[Decimal("1.10")] * 5], pa.decimal128(20, 2)),
        "day": pa.array([date(2024, 1, 31), None, *[date(1, 1, 1)] * 5]),
        "at": pa.array([datetime(2024, 1, 31, 14, 30, 0, 123456), None, *[datetime(2024, 1, 1)] * 5]),
        "open": pa.array([time(9), None, *[time(23, 59, 59)] * 5]),
        "active": [True, False, None, True, True, True, True],
        "nothing": pa.nulls(ROWS, pa.string()),
    }
)


@pytest.fixture(params=[200_000, 3, 1], ids=["in one piece", "in three", "row by row"])
def version(publish: Publish, resource_id: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Version:
    """A version that DataStore holds; it is compared in pieces of so many rows."""
    monkeypatch.setattr(comparing, "PIECE", request.param)
    found = publish(TABLE, resource_id=resource_id)
    current.reload(found)
    return found


def differs(version: Version) -> Difference | None:
    ((_, found),) = current.changed(model.Session(), [version.uri])
    return found


def sql(engine: Engine, version: Version, *commands: str) -> None:
    with engine.begin() as connection:
        for command in commands:
            connection.execute(text(command.format(f'"{version.resource_id}"')))


def test_a_table_that_was_loaded_is_its_version(version: Version) -> None:
    assert differs(version) is None


@pytest.mark.parametrize(
    ("commands", "found"),
    [
        (["UPDATE {} SET name = 'x' WHERE _id = 4"], Difference(1, 4)),
        (["UPDATE {} SET name = '' WHERE _id = 2"], Difference(1, 2)),
        (["UPDATE {} SET name = NULL WHERE _id = 1"], Difference(1, 1)),
        (["UPDATE {} SET at = at + interval '1 microsecond' WHERE _id = 1"], Difference(1, 1)),
        (["UPDATE {} SET exact = exact + 0.01"], Difference(ROWS - 1, 1)),
        (["DELETE FROM {} WHERE _id = 3", "INSERT INTO {} (bin) VALUES ('other')"], Difference(2, 3)),
        (["DELETE FROM {} WHERE _id = 7"], Difference(1, 7)),
        (["INSERT INTO {} (_id, bin) VALUES (0, 'before')"], Difference(1, 0)),
        (["INSERT INTO {} (_id, bin) VALUES (999, 'after')"], Difference(1, 999)),
        (["TRUNCATE {}"], Difference(ROWS, 1)),
        (["ALTER TABLE {} ADD COLUMN more text"], Difference(0, None, columns=True)),
        (["ALTER TABLE {} DROP COLUMN day"], Difference(0, None, columns=True)),
        (["ALTER TABLE {} ALTER name TYPE date USING NULL"], Difference(0, None, columns=True)),
        (["ALTER TABLE {} ALTER day TYPE text"], Difference(0, None, columns=True)),
        (["ALTER TABLE {} ALTER sum TYPE double precision"], Difference(0, None, columns=True)),
        (["ALTER TABLE {} ALTER exact TYPE numeric(30, 2)"], Difference(0, None, columns=True)),
    ],
    ids=lambda value: value[0].split(" {}")[0] if isinstance(value, list) else "",
)
def test_what_sql_changed_is_found_and_mended(
    write_engine: Engine, version: Version, commands: list[str], found: Difference
) -> None:
    sql(write_engine, version, *commands)

    assert differs(version) == found

    current.reload(version)
    assert differs(version) is None


def test_an_empty_table_with_a_row_differs(publish: Publish, resource_id: str, write_engine: Engine) -> None:
    version = publish(TABLE.slice(0, 0), resource_id=resource_id)
    current.reload(version)
    assert differs(version) is None

    sql(write_engine, version, "INSERT INTO {} (bin) VALUES ('one')")

    assert differs(version) == Difference(1, 1)


def test_words_that_are_filled_are_no_change(publish: Publish, resource_id: str, write_engine: Engine) -> None:
    version = publish(TABLE, resource_id=resource_id)
    current.reload(version)
    sql(write_engine, version, "UPDATE {} SET _full_text = NULL")
    datastore.fill_full_text(write_engine, resource_id)

    assert differs(version) is None


def test_a_table_that_moves_on_while_it_is_compared_is_not_called_changed(
    publish: Publish, resource_id: str, write_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(TABLE, resource_id=resource_id)
    current.reload(version)
    row = pa.table({PLACE: pa.array([2], pa.int64()), "name": ["second"]})
    original = comparing._stage

    def and_meanwhile(*args: object) -> None:
        original(*args)  # type: ignore[arg-type]
        with write_engine.begin() as connection:
            assert altering.change(connection, resource_id, row, was=version.sha256, rows=ROWS, sha256="2" * 64)

    monkeypatch.setattr(comparing, "_stage", and_meanwhile)

    assert differs(version) is None


def test_the_command_names_the_table_and_the_row(publish: Publish, resource_id: str, write_engine: Engine) -> None:
    version = publish(TABLE, resource_id=resource_id)
    current.reload(version)
    same = CliRunner().invoke(commands.compare, [version.uri])
    assert (same.exit_code, same.output) == (
        0,
        f"{ROWS} rows in 1 tables compared cell by cell, 0 tables differ, 0 were not compared\n",
    )
    sql(write_engine, version, "UPDATE {} SET name = 'x' WHERE _id = 4")

    found = CliRunner().invoke(commands.compare, [version.uri])

    assert found.exit_code == 1
    assert found.output.splitlines()[0] == (
        f"{version.uri}: 1 rows in the DataStore are not those of version 1, the first is row 4"
    )


def test_rows_that_do_not_give_their_checksum_are_named(publish: Publish, resource_id: str) -> None:
    version = publish(TABLE, resource_id=resource_id)
    current.reload(version)
    version.rows_sha256 = "0" * 64
    model.Session.commit()

    found = CliRunner().invoke(commands.compare, [version.uri])

    assert (found.exit_code, found.output.splitlines()[0]) == (
        1,
        f"{version.uri}: the rows of version 1 do not give their SHA-256",
    )


def test_an_address_without_a_version_is_told_and_is_an_error(publish: Publish, resource_id: str) -> None:
    version = publish(TABLE, resource_id=resource_id)
    current.reload(version)

    found = CliRunner().invoke(commands.compare, [version.uri, "mistyped", "other"])

    assert (found.exit_code, found.output) == (1, "Error: no version of mistyped, other is in the DataStore\n")


def test_a_table_whose_files_are_missing_is_counted_and_is_an_error(publish: Publish, resource_id: str) -> None:
    version = publish(TABLE, resource_id=resource_id)
    current.reload(version)
    files.of(tk.config["kzopen.files_url"]).delete(str(version.path))

    found = CliRunner().invoke(commands.compare, [version.uri])

    assert (found.exit_code, found.output.splitlines()) == (
        1,
        [
            f"{version.uri}: files of version 1 are missing",
            "0 rows in 0 tables compared cell by cell, 0 tables differ, 1 were not compared",
        ],
    )
