"""A page is not rendered the slower for files of scripts and styles that do not change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ckan.lib import webassets_tools
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web import assets
from webassets import Bundle, Environment
from webassets.updater import TimestampUpdater

ASSET = re.compile(r'(?:href|src)="(/webassets/[^"]+)"')


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bundles whose files were looked at, each time."""
    looked: list[str] = []
    needs_rebuild = TimestampUpdater.needs_rebuild

    def noted(self: TimestampUpdater, bundle: Bundle, ctx: object) -> object:
        looked.append(bundle.output)
        return needs_rebuild(self, bundle, ctx)

    monkeypatch.setattr(TimestampUpdater, "needs_rebuild", noted)
    return looked


def test_a_second_page_looks_at_no_file_and_names_the_same_ones(app: CKANTestApp, looks: list[str]) -> None:
    first = ASSET.findall(app.get("/en/dataset/").body)
    looks.clear()
    second = ASSET.findall(app.get("/en/dataset/").body)
    assert len(first) > 3
    assert (second, looks) == (first, [])
    assert all(app.get(address).status_code == 200 for address in first)


@pytest.fixture
def changing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bundle, Path]:
    """A bundle of one script in an environment of its own, and the script."""
    source = tmp_path / "from.js"
    source.write_text("one()")
    environment = Environment(str(tmp_path), "/webassets", cache=False, manifest=False)
    monkeypatch.setattr(webassets_tools, "env", environment)
    return environment.register("changing", Bundle(str(source), output="out.js")), tmp_path / "out.js"


@pytest.mark.parametrize(("debug", "looked"), [(True, 3), (False, 0)])
def test_only_in_debug_mode_each_page_looks_for_changes(
    changing: tuple[Bundle, Path], looks: list[str], debug: bool, looked: int
) -> None:
    bundle, built = changing
    assets.keep_addresses({"debug": debug})
    bundle.urls()
    assert built.read_text() == "one()"
    looks.clear()
    for _ in range(3):
        bundle.urls()
    assert len(looks) == looked
