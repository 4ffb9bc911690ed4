"""`./kzopen harvest …`, as an operator uses it on a running portal."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from ckanext.kzopen.runtime.demo.api import Api
from ckanext.kzopen.runtime.harvesting import harvest
from click.testing import CliRunner

from tests.conftest import LivePortal
from tests.publishing.harvest.source import Catalogue, Thing, drips, serving, table

AGENCY = "bench-of-commands"


@pytest.fixture(scope="module")
def portal(live_portal: LivePortal) -> LivePortal:
    """A portal with an agency of these tests' own."""
    with Api(live_portal.url, live_portal.accounts["operator"]["token"]) as api:
        api.action("organization_create", name=AGENCY, title="Агентство")
    return live_portal


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    with serving(Catalogue()) as found:
        yield found


class Command:
    """`./kzopen harvest WORDS` on the portal; what it said."""

    def __init__(self, portal: LivePortal) -> None:
        self.portal = portal

    def __call__(self, *words: str, ends: int = 0) -> str:
        done = CliRunner().invoke(harvest, [*words, "--url", self.portal.url, "--data", str(self.portal.data)])
        assert done.exit_code == ends, done.output
        return done.output

    def add(self, name: str, catalogue: Catalogue, *more: str) -> str:
        settings = [f"{key}={value}" for key, value in told(catalogue).items()]
        options = [part for setting in settings for part in ("--set", setting)]
        given = ("--kind", "json_api", "--agency", AGENCY, "--default", f"prefix={name}-", "--default", "seconds=5")
        return self("add", name, *given, *options, *more)

    def on(self, name: str, catalogue: Catalogue) -> None:
        self.add(name, catalogue)
        self("preview", name)
        self("on", name)


@pytest.fixture
def run(portal: LivePortal) -> Command:
    return Command(portal)


def told(catalogue: Catalogue) -> dict[str, str]:
    """The catalogue's settings as they are written at the command line."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in catalogue.settings().items()}


def test_kinds_are_told_with_their_settings(run: Command) -> None:
    said = run("kinds").splitlines()
    assert [line.split(":")[0] for line in said if not line.startswith(" ")] == [
        "address_register",
        "ckan",
        "dcat",
        "egov",
        "ensi",
        "files",
        "frictionless",
        "json_api",
        "ods",
        "sdmx",
        "sql",
    ]
    assert "ckan: Another CKAN portal" in said
    assert "  address: Address of the portal (required)" in said
    assert "  query: Selection (fq). A filter of CKAN, such as organization:minfin; empty = everything." in said


def test_a_source_goes_from_draft_to_published_data(run: Command, catalogue: Catalogue) -> None:
    catalogue.fill(2)
    assert run.add("first", catalogue) == "first is a draft; next: ./kzopen harvest preview first\n"
    listed = f"{'first':<30} {'json_api':<16} {'draft':<8} {AGENCY:<24} by hand"
    assert listed in run("list").splitlines()
    too_early = "Look at the first items with these settings (“Preview”) before the source is switched on."
    assert run("on", "first", ends=1) == f"Error: {too_early}\n"

    shown = run("preview", "first").splitlines()
    assert shown[0] == "  added      first-set-000"
    assert "      table: rows 3" in shown
    assert shown[-1] == "Finished: seen 2, added 2, changed 0, unchanged 0, removed 0, failed 0"
    assert run("on", "first") == "first is on; next run: by hand\n"
    assert run("run", "first") == "Finished: seen 2, added 2, changed 0, unchanged 0, removed 0, failed 0\n"
    assert run("off", "first") == "first is paused\n"
    assert run("run", "first", ends=1) == "Error: The source is not switched on; switch it on first.\n"


def test_a_dry_run_tells_what_would_change_and_changes_nothing(run: Command, catalogue: Catalogue) -> None:
    catalogue.fill(2)
    run.on("dry", catalogue)
    run("run", "dry")
    catalogue.things["set-001"] = Thing(table(5, 1), "2", "Новое название")

    shown = run("run", "dry", "--dry-run").splitlines()

    assert shown == [
        "  unchanged  dry-set-000",
        "  changed    dry-set-001",
        "      description.kk: Жинақ → Новое название",
        "      description.ru: Жинақ → Новое название",
        "      title.kk: Жинақ → Новое название",
        "      title.ru: Жинақ → Новое название",
        "      table: rows 5, added 2, changed 0, removed 0",
        "Finished: seen 2, added 0, changed 1, unchanged 1, removed 0, failed 0",
    ]
    assert [line.split()[2] for line in run("history", "dry").splitlines()] == ["dry", "harvest", "preview"]
    assert run("run", "dry") == "Finished: seen 2, added 0, changed 1, unchanged 1, removed 0, failed 0\n"


def test_what_waits_for_a_person_is_told(run: Command, catalogue: Catalogue) -> None:
    catalogue.fill(2)
    run.add("waiting", catalogue, "--default", "approve=true")
    run("preview", "waiting")
    run("on", "waiting")
    said = run("run", "waiting")
    assert said == "Finished: seen 2, added 2, changed 0, unchanged 0, removed 0, failed 0\n2 waiting for a person\n"
    assert run("run", "waiting").splitlines()[1] == "2 waiting for a person"


def test_failed_items_are_told_and_tried_again(run: Command, catalogue: Catalogue) -> None:
    catalogue.fill(1)
    catalogue.things["set-900"] = Thing(b"", "1")
    run.on("failing", catalogue)
    assert run("run", "failing") == "Finished: seen 2, added 1, changed 0, unchanged 0, removed 0, failed 1\n"
    number = run("history", "failing").split()[0]

    lines = run("errors", number).splitlines()

    assert lines[0].startswith("failing-set-900 (1×): ")
    assert lines[0].endswith(" [harvest.not_a_table]")
    assert lines[1] == "1 failed"
    catalogue.things["set-900"] = Thing(table(3), "1")
    assert run("retry", number) == "Finished: seen 1, added 1, changed 0, unchanged 0, removed 0, failed 0\n"
    assert run("errors", run("history", "failing").split()[0]) == "0 failed\n"
    again = run("retry", run("history", "failing").split()[0], ends=1)
    assert again == "Error: This run has no failed items to be tried again.\n"


def test_columns_that_are_gone_are_taken_when_a_person_says_so(run: Command, catalogue: Catalogue) -> None:
    catalogue.things["set-000"] = Thing(b"code,amount,note\nk1,2,x\n", "1")
    run.on("columns", catalogue)
    run("run", "columns")
    catalogue.things["set-000"] = Thing(b"code,amount\nk1,2\n", "2")
    run("run", "columns")
    number = run("history", "columns").split()[0]
    assert "note" in run("errors", number).splitlines()[0]
    assert run("retry", number, "--accept-columns").startswith("Finished: seen 1, added 0, changed 1")


@pytest.mark.long
def test_many_removals_wait_for_a_decision(run: Command, catalogue: Catalogue) -> None:
    catalogue.fill(4)
    run.on("shrinking", catalogue)
    run("run", "shrinking")
    for name in ("set-002", "set-003"):
        del catalogue.things[name]

    said = run("run", "shrinking").splitlines()

    assert said[0] == "Removals await confirmation: seen 4, added 0, changed 0, unchanged 2, removed 0, failed 0"
    number = run("history", "shrinking").split()[0]
    assert run("removals", number, "--keep", "--reason", "The agency mends its list").splitlines()[0] == (
        "Finished: seen 4, added 0, changed 0, unchanged 4, removed 0, failed 0"
    )
    run("run", "shrinking")
    number = run("history", "shrinking").split()[0]
    assert run("removals", number, "--reason", "The agency has said so").splitlines()[0] == (
        "Finished: seen 4, added 0, changed 0, unchanged 2, removed 2, failed 0"
    )


def test_a_run_that_drips_is_started_without_waiting_and_cancelled(run: Command, catalogue: Catalogue) -> None:
    catalogue.fill(1)
    run.on("slow", catalogue)
    catalogue.instead["/list"] = drips(30)
    number = run("run", "slow", "--detach").strip()
    assert run("run", "slow", ends=1) == "Error: A run of this source is under way already.\n"
    assert run("cancel", number).startswith("Cancelled: seen 0")
    assert run("cancel", number, ends=1) == "Error: “Cancel the run” is not possible: the present state is “Cancelled”.\n"


def test_a_list_that_cannot_be_read_ends_with_one(run: Command, catalogue: Catalogue) -> None:
    catalogue.fill(1)
    run.on("broken", catalogue)
    catalogue.instead["/list"] = lambda handler: handler.send_error(404)
    said = run("run", "broken", ends=1).splitlines()
    assert said[0] == "Failed: seen 0, added 0, changed 0, unchanged 0, removed 0, failed 0"
    assert f"{catalogue.url}/list" in said[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--set", "address"], "Error: address: write NAME=VALUE\n"),
        (
            ["--set", "fields={id"],
            "Error: fields: what begins with { is read as JSON, and it is none "
            "(Expecting property name enclosed in double quotes: line 1 column 2 (char 1))\n",
        ),
    ],
)
def test_what_cannot_be_read_at_the_command_line_is_told(run: Command, given: list[str], said: str) -> None:
    assert run("add", "wrong", "--kind", "json_api", "--agency", AGENCY, *given, ends=1) == said


def test_what_is_not_there_is_told_in_a_sentence(run: Command) -> None:
    assert run("run", "nobody", ends=1) == "Error: There is no such source.\n"
    assert run("errors", "00000000-0000-4000-8000-000000000000", ends=1) == "Error: There is no such run.\n"
    said = run("add", "pigeons", "--kind", "carrier-pigeon", "--agency", AGENCY, ends=1)
    assert said.startswith("Error: There is no kind of source “carrier-pigeon”; there are: ")
    said = run("add", "pigeons", "--kind", "ckan", "--agency", "nobody", ends=1)
    assert "agency: The organisation “nobody” is not registered on the portal." in said
