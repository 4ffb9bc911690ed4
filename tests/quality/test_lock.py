"""The lock names every package that ends up on a portal's machine: none comes in whatever version is newest that day."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

OVERRIDDEN = {"psycopg2"}
"""Packages for which another one stands in (`overrides.txt`)."""


def locked() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def wanted_by(name: str, extras: set[str]) -> list[Requirement]:
    """What an installed package asks for on this machine; nothing when it is not for this machine."""
    try:
        asked = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []
    return [
        one for one in asked if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""})
    ]


def test_every_package_that_a_locked_one_asks_for_is_locked() -> None:
    names = {canonicalize_name(one.name) for one in locked()} | OVERRIDDEN
    missing = {
        f"{asked.name}, wanted by {one.name}"
        for one in locked()
        for asked in wanted_by(one.name, one.extras)
        if canonicalize_name(asked.name) not in names
    }
    assert not missing
