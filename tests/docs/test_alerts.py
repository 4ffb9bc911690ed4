"""Every alert has its page in the guide, every page its alert, and both are whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "ckanext-kzopen/ckanext/kzopen/runtime/alerts.yml"
GUIDE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
SEVERITIES = {"critical", "warning"}
PARTS = ("What it means", "Who notices", "Look closer", "What to do", "Call for help", "Why this threshold")
DURATION = re.compile(r"\d+[smhd]")


def rules() -> list[dict[str, Any]]:
    content = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def sections() -> dict[str, str]:
    """What stands below each heading of an alert."""
    parts = re.split(r"^## (Kzopen\w+)$", GUIDE, flags=re.MULTILINE)[1:]
    return {name: re.split(r"^## ", text, flags=re.MULTILINE)[0] for name, text in zip(parts[::2], parts[1::2], strict=True)}


ALERTS = {rule["alert"]: rule for rule in rules()}


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert list(sections()) == list(ALERTS)
    assert len(ALERTS) == len(rules())


@pytest.mark.parametrize("name", ALERTS)
def test_a_section_tells_everything_in_the_same_order(name: str) -> None:
    assert tuple(re.findall(r"^\*\*([^*]+)\.\*\*", sections()[name], flags=re.MULTILINE)) == PARTS
    look_closer = sections()[name].partition("**Look closer.**")[2].partition("**What to do.**")[0]
    command, *output = re.search(r"```console\n(.*?)```", look_closer, flags=re.DOTALL)[1].splitlines()  # type: ignore[index]
    assert command.startswith("$ ")
    assert output, "an example of what the command says"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_whole(name: str) -> None:
    rule = ALERTS[name]
    assert rule.keys() - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in SEVERITIES
    assert DURATION.fullmatch(rule["for"])
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{name.lower()}"
    assert "$labels." in rule["annotations"]["summary"]
    assert all(
        text.endswith((".", "{{ end }}")) for text in (rule["annotations"]["summary"], rule["annotations"]["description"])
    )


def test_the_table_of_the_guide_has_every_alert_with_its_severity() -> None:
    rows = re.findall(r"^\| \[(Kzopen\w+)\]\(#(\w+)\) \| (\w+) \|", GUIDE, flags=re.MULTILINE)
    assert rows == [(name, name.lower(), rule["labels"]["severity"]) for name, rule in ALERTS.items()]
