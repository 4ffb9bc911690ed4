"""`./kzopen agency`, as an operator uses it on a running portal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from ckanext.kzopen.runtime.agencies.command import agency
from ckanext.kzopen.runtime.demo.api import Api
from click.testing import CliRunner

from tests.conftest import LivePortal

HEADER = "address,name_kk,name_ru,name_en,short_ru,kind,bin,parent\n"


@pytest.fixture
def mark(live_portal: LivePortal) -> Iterator[str]:
    """A beginning of addresses; what a test has made under it is purged."""
    mark = f"t{uuid4().hex[:8]}"
    yield mark
    with Api(live_portal.url, live_portal.accounts["operator"]["token"]) as api:
        for name in api.action("organization_list", limit=2000):
            if name.startswith(mark):
                api.action("organization_purge", id=name)


def run(live_portal: LivePortal, *arguments: str, ends: int = 0) -> str:
    done = CliRunner().invoke(agency, [*arguments, "--url", live_portal.url, "--data", str(live_portal.data)])
    assert done.exit_code == ends, done.output
    return done.output


def table(tmp_path: Path, mark: str, *more: str) -> str:
    rows = (f"{mark}-low,Төмен,Низ,Low,,committee,,{mark}-top", f"{mark}-top,Жоғары,Верх,Top,ВР,ministry,,", *more)
    path = tmp_path / "agencies.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def test_a_table_is_shown_first_then_imported_and_nothing_is_new_the_second_time(
    live_portal: LivePortal, tmp_path: Path, mark: str
) -> None:
    path = table(tmp_path, mark)
    assert "nothing was done; --commit does it" in run(live_portal, "import", path)
    assert "create 2, unchanged 0, wrong 0" in run(live_portal, "import", path, "--commit")
    assert "unchanged 2, wrong 0" in run(live_portal, "import", path, "--commit")
    assert run(live_portal, "list", "--under", f"{mark}-top").splitlines() == [
        f"{mark}-top  ministry  -  Top",
        f"  {mark}-low  committee  -  Low",
    ]


def test_errors_are_told_by_row_and_the_other_rows_are_done(live_portal: LivePortal, tmp_path: Path, mark: str) -> None:
    path = table(tmp_path, mark, f"{mark}-bad,Қате,Ошибка,Wrong,,committee,000140000013,")
    said = run(live_portal, "import", path, "--commit", ends=1)
    assert 'row 4: "000140000013" cannot be a BIN' in said
    assert "create 2, unchanged 0, wrong 1" in said


def test_an_agency_is_renamed_moved_and_liquidated(live_portal: LivePortal, tmp_path: Path, mark: str) -> None:
    run(live_portal, "import", table(tmp_path, mark), "--commit")
    top, low = f"{mark}-top", f"{mark}-low"
    assert f"{low}: New Low since" in run(live_portal, "rename", low, "--en", "New Low", "--ru", "Новый низ")
    assert f"{low}: answers to nobody" in run(live_portal, "move", low)
    assert "would liquidate" in run(live_portal, "liquidate", low, "--successor", top)
    said = run(live_portal, "liquidate", low, "--successor", top, "--reason", "Decree 1", "--commit")
    assert f"{low}: liquidated" in said
    shown = run(live_portal, "show", low)
    assert "Low: … –" in shown
    assert f"successor     {top}" in shown
    assert "Error: The agency was liquidated on" in run(live_portal, "rename", low, "--en", "Other", ends=1)


def test_the_six_demonstration_agencies_have_kinds_parents_and_short_names(live_portal: LivePortal) -> None:
    with Api(live_portal.url, live_portal.accounts["operator"]["token"]) as api:
        found = {row["address"]: row for row in api.action("agency_tree") if row["address"].startswith("demo-")}
    kinds = {name.removeprefix("demo-"): row["kind"] for name, row in found.items()}
    assert kinds == {
        "ministry": "ministry",
        "geography": "committee",
        "sarydala": "region",
        "kolbulak": "district",
        "altynkala": "city",
        "szh": "company",
    }
    region = found["demo-sarydala"]["id"]
    assert {name for name, row in found.items() if row["parent"] == region} == {"demo-kolbulak", "demo-altynkala", "demo-szh"}
    assert all(set(row["short"]) == {"kk", "ru", "en"} for row in found.values())
