"""`schemas/roles.yaml`: what it says, how a section adds to it, and how mistakes are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ckanext.kzopen.core import states
from ckanext.kzopen.core.law.states import SYSTEM
from ckanext.kzopen.core.people import rights, roles
from ckanext.kzopen.core.people.roles import Reach
from ckanext.kzopen.core.yaml_source import SourceError

LISTED = """\
sections:
  letters:
    label: {kk: Хаттар, ru: Письма, en: Letters}
    rights:
      read: {kk: Оқу, ru: Читать, en: Read}
      answer: {kk: Жауап беру, ru: Отвечать, en: Answer}
roles:
  clerk:
    label: {kk: Хатшы, ru: Секретарь, en: Clerk}
    agency: yes
    ckan: editor
    rights:
      own: [letters.*]
      subordinates: [letters.read]
"""
ADDED = """\
sections:
  petitions:
    label: {kk: Өтініштер, ru: Петиции, en: Petitions}
    rights:
      answer: {kk: Жауап беру, ru: Отвечать, en: Answer}
      close: {kk: Жабу, ru: Закрыть, en: Close}
roles:
  approver: {own: [petitions.answer]}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "roles.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def petitions(tmp_path: Path) -> Iterator[None]:
    path = written(tmp_path, ADDED)
    roles.register(path)
    yield
    roles.unregister(path)


def test_the_product_has_six_roles() -> None:
    assert list(roles.known().roles) == [
        "author",
        "approver",
        "agency_administrator",
        "moderator",
        "methodologist",
        "operator",
    ]


def test_of_two_reaches_the_farther_one_counts(tmp_path: Path) -> None:
    found = roles.load(written(tmp_path, LISTED))
    assert found.held == {"clerk": {"letters.read": Reach.subordinates, "letters.answer": Reach.own}}


def test_an_author_delivers_and_an_approver_publishes() -> None:
    held = roles.known().held
    assert held["author"]["publishing.deliver"] is Reach.own
    assert "publishing.approve" not in held["author"]
    assert held["approver"]["publishing.approve"] is Reach.own
    assert "publishing.deliver" not in held["approver"]


def test_a_methodologist_reads_all_agencies_and_changes_nothing() -> None:
    held = roles.known().held["methodologist"]
    assert set(held.values()) == {Reach.all}
    assert {right.split(".")[1] for right in held} == {"see", "enter"}


def test_an_operator_holds_every_right_everywhere() -> None:
    assert roles.known().held["operator"] == dict.fromkeys(roles.known().rights(), Reach.all)


def test_every_right_that_a_state_machine_asks_for_is_in_the_list() -> None:
    asked = {way.by for kind in states.kinds() if kind != "letter" for way in states.machine_of(kind).transitions.values()}
    assert asked - {SYSTEM} <= roles.known().every


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[letters.*]", "[letters.burn]", "13: no section names the right 'letters.burn'"),
        ("[letters.*]", "[letters.read, letters.read]", "13: 'letters.read' is given twice"),
        ("agency: yes", "agency: no", "13: 'clerk' is not held in an agency, so its reach must be 'all'"),
        ("agency: yes", "agency: no", "11: 'clerk' is not held in an agency, so it cannot make a CKAN editor"),
        (
            "ckan: editor",
            "ckan: sysadmin",
            "11: 'clerk' is held in an agency, so CKAN's role must be one of member, editor, admin",
        ),
        (", en: Clerk", "", "9: roles.clerk.label.en: Field required"),
        ("own:", "mine:", "13: roles.clerk.rights.mine"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(SourceError) as caught:
        roles.load(written(tmp_path, LISTED.replace(old, new)))
    assert f"roles.yaml:{sentence}" in str(caught.value)


@pytest.mark.usefixtures("petitions")
def test_a_section_adds_its_rights_to_the_known_roles() -> None:
    held = roles.known().held
    assert held["approver"]["petitions.answer"] is Reach.own
    assert held["approver"]["publishing.approve"] is Reach.own
    assert "petitions.close" not in held["approver"]
    assert held["operator"]["petitions.close"] is Reach.all


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("approver:", "clerk:", "8: there is no role 'clerk'"),
        ("[petitions.answer]", "[publishing.deliver]", "8: this file names no right 'publishing.deliver'"),
        ("approver:", "moderator:", "8: 'moderator' is not held in an agency, so its reach must be 'all'"),
        ("petitions:\n", "people:\n", "2: the section 'people' is there already"),
    ],
)
def test_a_sections_mistake_is_told_and_changes_nothing(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    before = roles.known()
    with pytest.raises(SourceError) as caught:
        roles.register(written(tmp_path, ADDED.replace(old, new, 1)))
    assert f"roles.yaml:{sentence}" in str(caught.value)
    assert roles.known() == before


def test_a_right_that_nobody_named_is_a_fault_of_the_program() -> None:
    with pytest.raises(LookupError, match=r"publishing\.burn"):
        rights.allowed("", "publishing.burn")
