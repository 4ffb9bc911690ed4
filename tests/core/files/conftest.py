"""Both kinds of stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import s3


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a running server."""
    with s3.running() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str, tmp_path: Path) -> str:
    """A bucket with a cache in the test's folder."""
    return f"{s3.new_bucket(s3_endpoint)}&cache={tmp_path / 'cache'}"


@pytest.fixture(params=["disk", "bucket"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind of store in turn."""
    if request.param == "disk":
        return f"file://{tmp_path / 'files'}"
    found: str = request.getfixturevalue("bucket")
    return found
