"""What the doctor finds in a portal to which each of these things was done, and that its commands mend what can be mended.

All is done at once, for to look at everything takes seconds: twice the doctor looks, before and after its commands.
"""

from __future__ import annotations

import subprocess
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import doctor, libraries
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.doctor import Finding
from ckanext.kzopen.runtime.portal import Portal

from tests.conftest import ROOT, LivePortal

SHORT, CHANGED, UNFOUND = "demo-airports", "demo-lakes", "demo-rivers"
"""Data sets: one lacks a row in the DataStore, one has a file with another byte, one lacks its document of search."""
VERSION = """
    SELECT v.resource_id, v.rows, f.path FROM kzopen.version v
    JOIN kzopen.version_file f ON (f.package_id, f.number) = (v.package_id, v.number)
    WHERE v.uri = %s AND v.thinned IS NULL ORDER BY v.number DESC LIMIT 1
"""
FORGET = """
    DELETE FROM kzopen.search_document WHERE entity_type = 'package'
    AND entity_id = (SELECT id FROM package WHERE name = %s) RETURNING entity_id
"""
Usage = namedtuple("Usage", "total used free")
LOCK = """
# Versions that nobody has installed.
click==0.1
nothing-of-this-name==1.0
tantivy==0.1 ; python_version < "3"
"""


def portal_of(live: LivePortal) -> Portal:
    return Portal(Settings(data=live.data))


def findings_of(portal: Portal) -> list[Finding]:
    return [finding for area in doctor.examine(portal) for finding in area.findings]


def flip(file: Path) -> None:
    """Change the byte in the middle; a second time brings it back."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)


class Damaged:
    """A portal after the harm, with what the doctor found then."""

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.portal, places = portal, addresses(portal)
        with psycopg.connect(places["sqlalchemy.url"]) as connection:
            self.table, self.rows, _path = connection.execute(VERSION, [SHORT]).fetchone() or ("", 0, "")
            _table, _rows, path = connection.execute(VERSION, [CHANGED]).fetchone() or ("", 0, "")
            self.package = (connection.execute(FORGET, [UNFOUND]).fetchone() or ("",))[0]
        with psycopg.connect(places["ckan.datastore.write_url"]) as connection:
            connection.execute(f'DELETE FROM "{self.table}" WHERE _id = 1')
        self.path, self.file = path, portal.files / path
        flip(self.file)
        portal.secrets.chmod(0o644)
        (folder / "requirements.txt").write_text(LOCK)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(doctor.shutil, "disk_usage", lambda _path: Usage(10**12, 10**12 - 10 * 2**20, 10 * 2**20))
            patched.setattr(libraries, "LOCK", folder / "requirements.txt")
            self.found = findings_of(portal)

    def finding(self, area: str, start: str) -> Finding:
        """The only finding of an area that begins so."""
        (found,) = [one for one in self.found if one.area == area and one.sentence.startswith(start)]
        return found


@pytest.fixture(scope="module")
def damaged(live_portal: LivePortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    made = Damaged(portal_of(live_portal), tmp_path_factory.mktemp("damaged"))
    yield made
    flip(made.file)
    made.portal.secrets.chmod(0o600)


@pytest.mark.parametrize(
    ("area", "sentence", "command"),
    [
        ("permissions", "{portal.secrets} can be read by others", "chmod 600 {portal.secrets}"),
        (
            "files",
            f"version 1 of {CHANGED}: its file {{path}} is missing or changed",
            "restore it from a backup: ./kzopen restore --help",
        ),
        ("index", "1 packages without a document: {package}", "./kzopen search repair --data {portal.data}"),
        (
            "tables",
            f"{SHORT}: DataStore has {{short}} rows, its version {{rows}}",
            f"KZOPEN_DATA={{portal.data}} ./kzopen ckan kzopen-rows reload {SHORT}",
        ),
        ("disk", "only 10 MB are free; writes will be refused soon", "du -sh {portal.data}/* | sort -h"),
        ("versions", "nothing-of-this-name is not installed, and requirements.txt names ==1.0", "{brought}"),
    ],
)
def test_each_harm_is_told_in_a_sentence_with_a_command(damaged: Damaged, area: str, sentence: str, command: str) -> None:
    brought = f"rm -f {ROOT}/.venv/kzopen.stamp && {damaged.portal.anew()}"
    given = vars(damaged) | {"short": damaged.rows - 1, "brought": brought}
    wanted = sentence.format(**given)
    assert damaged.finding(area, wanted) == Finding(area, wanted, command.format(**given))


def test_a_library_of_another_version_is_told_and_one_for_other_machines_not(damaged: Damaged) -> None:
    found = [one.sentence for one in damaged.found if one.area == "versions"]
    assert len(found) == 2
    assert found[0].startswith("click ")
    assert found[0].endswith(" is installed, and requirements.txt names ==0.1")


def test_this_checkout_has_the_libraries_of_its_lock(damaged: Damaged) -> None:
    assert list(libraries.astray(damaged.portal)) == []


def test_the_commands_mend_what_they_name(damaged: Damaged) -> None:
    """As they are told; side by side, for each loads CKAN. Last of the file."""
    told = {area: damaged.finding(area, start).command for area, start in MENDED}
    running = [subprocess.Popen(["sh", "-c", command], cwd=ROOT, stdout=subprocess.DEVNULL) for command in told.values()]
    assert [one.wait(timeout=180) for one in running] == [0] * len(told)
    flip(damaged.file)
    left = findings_of(damaged.portal)
    flip(damaged.file)
    # Other tests may have people sign up at this portal, and it has no mail server.
    assert [one for one in left if one.area != "mail"] == []


MENDED = [("permissions", ""), ("index", "1 packages"), ("tables", SHORT)]
