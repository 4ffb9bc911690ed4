"""The alerts ask for figures that the portal tells: every name, label and value of an expression is in a real scrape."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web import health
from prometheus_client.core import Metric

from tests.docs.test_alerts import ALERTS, ROOT, RULES
from tests.scraping import scrape

TESTS = sorted(Path(__file__).parent.glob("alerts_*.promtool.yml"))
OF_PROMETHEUS = {"up"}
"""Made by Prometheus itself, for each address that it scrapes."""
WORDS = {"and", "or", "unless", "on", "by", "offset", "ignoring", "bool"}
TOKEN = re.compile(
    r'(?P<text>"[^"]*")|(?P<duration>\[[^\]]*\])|(?P<number>\d[\w.]*)|(?P<name>[a-zA-Z_:][\w:]*)|(?P<sign>[{}()])|.', re.DOTALL
)
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


@dataclass(frozen=True)
class Selector:
    """A metric that an expression asks for, and what its labels must be: (label, operator, value)."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors(expression: str) -> Iterator[Selector]:
    """The metrics of an expression: names that are no function, no word of PromQL and no label in `by (…)` or `on (…)`."""
    bare = re.sub(r"\b(by|on|ignoring|without)\s*\([^)]*\)", " ", expression)
    found = [match for match in TOKEN.finditer(bare) if match.lastgroup]
    within = False
    for match, following in zip(found, [*found[1:], None], strict=True):
        if match["sign"] in ("{", "}"):
            within = match["sign"] == "{"
        name, after = match["name"], following and following["sign"]
        if name and not within and after != "(" and name not in WORDS:
            labels = bare[following.start() : bare.index("}", following.start())] if following and after == "{" else ""
            yield Selector(name, tuple(MATCHER.findall(labels)))


def test_metrics_are_found_in_an_expression() -> None:
    expression = (
        'sum by (job, le) (rate(a_total{x="1", y!~"2"}[5m])) / on (z) b > 5e9 and time() - c{} > 2 unless up == 1 offset 1d'
    )
    assert list(selectors(expression)) == [
        Selector("a_total", (("x", "=", "1"), ("y", "!~", "2"))),
        Selector("b", ()),
        Selector("c", ()),
        Selector("up", ()),
    ]


ASKED = [(name, one) for name, rule in ALERTS.items() for one in selectors(rule["expr"]) if one.metric not in OF_PROMETHEUS]


@pytest.fixture(scope="module")
def scraped(app: CKANTestApp) -> list[Metric]:
    """A scrape of a portal that has answered both well and badly."""
    app.get("/about")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(health.CHECKS, "redis", lambda: False)
        app.get("/readyz", status=503)
    return scrape(app)


def names(family: Metric) -> set[str]:
    """The names of a family's samples; of one without samples, the name that they would have."""
    return {sample.name for sample in family.samples} or {f"{family.name}_total" if family.type == "counter" else family.name}


@pytest.mark.parametrize(("alert", "asked"), ASKED, ids=lambda one: getattr(one, "metric", one))
def test_a_metric_that_an_alert_asks_for_is_told(scraped: list[Metric], alert: str, asked: Selector) -> None:
    assert asked.metric in {name for family in scraped for name in names(family)}


@pytest.mark.parametrize(("alert", "asked"), ASKED, ids=lambda one: getattr(one, "metric", one))
def test_each_value_of_a_label_that_an_alert_names_is_told(scraped: list[Metric], alert: str, asked: Selector) -> None:
    """Also those that are left out: an alert that leaves out what is never told was written for another portal."""
    samples = [sample for family in scraped for sample in family.samples if sample.name == asked.metric]
    for label, operator, wanted in asked.matchers:
        told = {sample.labels.get(label) for sample in samples}
        wanted_values = wanted.split("|") if "~" in operator else [wanted]
        for value in wanted_values:
            assert any(one and re.fullmatch(value, one) for one in told), f"{label}={value} of {asked.metric}: {told}"


@pytest.mark.long  # Prometheus is a large package, of which the gate would need this program only
@pytest.mark.parametrize("command", [("check", "rules", str(RULES)), ("test", "rules", *map(str, TESTS))])
def test_prometheus_itself_takes_the_rules_and_their_tests(command: tuple[str, ...]) -> None:
    if not shutil.which("promtool"):
        pytest.skip("promtool is missing: sudo apt install prometheus")
    done = subprocess.run(["promtool", *command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_each_alert_has_a_test_of_prometheus_in_which_it_fires() -> None:
    tested = "".join(path.read_text(encoding="utf-8") for path in TESTS)
    fires = set(re.findall(r'labels: ALERTS\{alertname="(\w+)"', tested)) | set(
        re.findall(r"alertname: (\w+)\n        exp_alerts:\n", tested)
    )
    counted = set(re.findall(r'ALERTS\{alertname="(\w+)"[^\n]*exp_samples: \[\{', tested))
    assert fires | counted == set(ALERTS)
