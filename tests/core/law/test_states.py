"""State machines in YAML: what they say, and how their mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ckanext.kzopen.core.law import diagram, load_machine
from ckanext.kzopen.core.law.states import check_terms
from ckanext.kzopen.core.yaml_source import SourceError

MACHINE = """\
kind: letter
label: {kk: Хат, ru: Письмо, en: Letter}
initial: received
states:
  received: {label: {kk: Келді, ru: Получено, en: Received}, public: yes, due: {term: letter.answer, from: received}}
  answered: {label: {kk: Жауап берілді, ru: Отвечено, en: Answered}, public: yes}
  closed: {label: {kk: Жабылды, ru: Закрыто, en: Closed}, final: yes}
transitions:
  answer: {from: [received], to: answered, by: letters.answer, requires: [text], record: yes, notify: [author]}
  close: {label: {kk: Жабу, ru: Закрыть, en: Close}, from: [received, answered], to: closed, by: system}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "letter.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_machine_tells_what_may_be_done_in_a_state(tmp_path: Path) -> None:
    machine = load_machine(written(tmp_path, MACHINE))
    assert list(machine.transitions_from("received")) == ["answer", "close"]
    assert list(machine.transitions_from("answered")) == ["close"]
    assert machine.transitions_from("closed") == {}
    assert machine.transitions["answer"].requires == ("text",)
    assert machine.terms() == {"letter.answer"}


def test_a_button_without_words_says_the_state_it_leads_to(tmp_path: Path) -> None:
    machine = load_machine(written(tmp_path, MACHINE))
    assert machine.label_of("close")["ru"] == "Закрыть"
    assert machine.label_of("answer")["ru"] == "Отвечено"


def test_a_machine_is_drawn_as_a_diagram(tmp_path: Path) -> None:
    assert diagram(load_machine(written(tmp_path, MACHINE)), "en") == (
        "stateDiagram-v2\n"
        "    [*] --> received\n"
        "    received : Received\n"
        "    answered : Answered\n"
        "    closed : Closed\n"
        "    received --> answered : Answered\n"
        "    received --> closed : Close\n"
        "    answered --> closed : Close\n"
        "    closed --> [*]\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("to: answered", "to: anwsered", r"letter\.yaml:9: there is no state 'anwsered'"),
        ("from: [received], to", "from: [recieved], to", r"letter\.yaml:9: there is no state 'recieved'"),
        ("initial: received", "initial: recieved", r"letter\.yaml:3: there is no state 'recieved'"),
        ("due: {term: letter.answer, from: received}", "due: {term: letter.answer, from: sent}", "no state 'sent'"),
        ("kind: letter", "kind: post", r"letter\.yaml:1: the kind must be 'letter'"),
        ("en: Closed}, final: yes", "en: Closed}", r"letter\.yaml:7: 'closed' is not final, but no transition leaves it"),
        ("en: Answered}, public: yes", "en: Answered}, final: yes", r"letter\.yaml:6: 'answered' is final, but a transition"),
        ("from: [received], to: answered", "from: [answered], to: answered", "'answered' cannot be reached from 'received'"),
        ("ru: Отвечено, ", "", r"letter\.yaml:6: states\.answered\.label\.ru: Field required"),
        ("by: letters.answer", "by: anyone", r"letter\.yaml:9: transitions\.answer\.by: "),
        ("requires: [text]", "require: [text]", r"letter\.yaml:9: transitions\.answer\.require: Extra inputs"),
        ("  close:", "  answer:", r"letter\.yaml:10: 'answer' is given twice"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in MACHINE
    with pytest.raises(SourceError, match=message):
        load_machine(written(tmp_path, MACHINE.replace(old, new, 1)))


def test_a_state_that_falls_due_by_an_unknown_term_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, MACHINE)
    with pytest.raises(SourceError, match=r"letter\.yaml:5: there is no term 'letter\.answer'"):
        check_terms(load_machine(path), path, ["appeal.answer"])
