"""What the client does at a real portal."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.api_clients.python.conftest import SCHOOLS, Portal

ROWS = [
    {"bin": "000140000012", "name": "№1 мектеп", "pupils": 640},
    {"bin": "000140000092", "name": "Гимназия", "pupils": 1210},
    {"bin": "000140000220", "name": "Лицей", "pupils": 305},
]


def as_polars() -> Any:
    import polars

    return polars.DataFrame(ROWS)


def as_pandas() -> Any:
    import pandas

    return pandas.DataFrame(ROWS)


@pytest.mark.parametrize(
    "rows", [lambda: ROWS, lambda: SCHOOLS, as_polars, as_pandas], ids=["rows", "bytes", "polars", "pandas"]
)
def test_a_table_goes_there_and_back(portal: Portal, uri: str, rows: Any) -> None:
    delivery = portal.send(uri, rows())

    assert (delivery.state, delivery.rows, delivery.version and delivery.version.number) == ("accepted", 3, 1)
    assert portal.read(uri, into="rows") == ROWS


def test_it_is_read_as_frames_of_either_kind(portal: Portal, uri: str) -> None:
    portal.send(uri, ROWS)

    assert portal.read(uri, into="polars").to_dicts() == ROWS
    assert portal.read(uri, into="pandas").to_dict("records") == ROWS
    assert portal.read(uri, version=1, into="bytes")[:4] == b"PAR1"


def test_rows_are_changed_by_key_and_told(portal: Portal, uri: str) -> None:
    portal.send(uri, ROWS)

    changed = portal.send(uri, [ROWS[0] | {"pupils": 641}], mode="upsert")
    portal.send(uri, [{"bin": "000140000092"}], mode="delete")

    assert (changed.changed, changed.added) == (1, 0)
    versions = portal.versions(uri)
    assert [version.rows for version in versions] == [2, 3, 3]
    places = [version.record.index if version.record else None for version in versions]
    assert None not in places
    assert places == sorted(places, reverse=True)
    assert versions[1].record == (changed.version and changed.version.record)
    assert portal.difference(uri, 2)["difference"]["changed"] == 1


def test_what_is_wrong_is_told_row_by_row(portal: Portal, uri: str) -> None:
    from kzopen_client import Refused

    with pytest.raises(Refused) as caught:
        portal.send(uri, [ROWS[0] | {"pupils": -1}, ROWS[1]])

    assert [(finding["row"], finding["field"]) for finding in caught.value.findings] == [(2, "pupils")]
    assert [finding.field for finding in portal.report(caught.value.delivery)] == ["pupils"]
    assert portal.dataset(uri)["version"] is None


def test_a_report_of_many_errors_is_read_to_its_end(portal: Portal, uri: str) -> None:
    from kzopen_client import Refused

    wrong = [{"bin": f"{n:012d}", "name": "Мектеп", "pupils": -n - 1} for n in range(2_100)]
    with pytest.raises(Refused) as caught:
        portal.send(uri, wrong)

    found = [(finding.row, finding.cell) for finding in portal.report(caught.value.delivery)]
    assert found == [(n + 2, str(-n - 1)) for n in range(2_100)]


def test_a_problem_is_told_in_the_language_that_was_asked_for(portal: Portal) -> None:
    from kzopen_client import Problem

    with pytest.raises(Problem) as caught:
        portal.dataset("there-is-none")

    assert (caught.value.status, caught.value.code) == (404, "publishing.unknown_dataset")
    assert caught.value.detail == "Набора данных «there-is-none» нет."


def test_a_key_makes_two_sendings_one(portal: Portal, uri: str) -> None:
    key = uuid4().hex

    first, again = portal.send(uri, ROWS, key=key), portal.send(uri, ROWS, key=key)

    assert first.id == again.id
    assert len(portal.versions(uri)) == 1


def test_a_check_publishes_nothing_until_it_is_approved(portal: Portal, uri: str) -> None:
    delivery = portal.send(uri, ROWS, check=True)
    assert (delivery.state, portal.dataset(uri)["version"]) == ("awaiting_approval", None)

    assert portal.wait(portal.approve(delivery.id)).state == "accepted"


def test_a_planned_delivery_waits(portal: Portal, uri: str) -> None:
    delivery = portal.send(uri, ROWS, publish_at=datetime.now(UTC) + timedelta(hours=1))

    assert delivery.state == "scheduled"
    assert portal.refuse(delivery.id, "Қате күн").state == "refused"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A table of 20 MB."""
    target = io.StringIO()
    target.write("bin,name,pupils\n")
    for number in range(250_000):
        target.write(f"{number:012d},{'мектеп ' * 5}{number},{number % 2000}\n")
    path = tmp_path / "large.csv"
    path.write_text(target.getvalue())
    return path


def test_a_large_file_goes_in_parts_with_progress(portal: Portal, uri: str, large: Path) -> None:
    told: list[tuple[int, int]] = []

    delivery = portal.send(uri, large, progress=lambda sent, total: told.append((sent, total)))

    size = large.stat().st_size
    assert size > 16 << 20
    assert (delivery.state, delivery.rows, delivery.size) == ("accepted", 250_000, size)
    assert told[0] == (0, size)
    assert told[-1] == (size, size)
    assert len(told) == size // (8 << 20) + 2


class Stopped(Exception):
    """The program ends in the middle."""


def test_an_upload_that_stopped_goes_on_where_it_was(portal: Portal, uri: str, large: Path) -> None:
    def stop(sent: int, _: int) -> None:
        if sent:
            raise Stopped

    with pytest.raises(Stopped):
        portal.send(uri, large, progress=stop)
    told: list[int] = []
    delivery = portal.send(uri, large, progress=lambda sent, _: told.append(sent))

    assert told[0] == 8 << 20
    assert (delivery.state, delivery.rows) == ("accepted", 250_000)
    assert len(portal.versions(uri)) == 1
