"""The bytes of a delivery are there whole, or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path
from uuid import UUID

import pytest
from ckanext.kzopen.core.files import UnknownStore
from ckanext.kzopen.core.web import KzError
from ckanext.kzopen.publishing import inbox

NUMBER = UUID("0c6d2f1e-6d5c-4c8e-9b1a-2f0d6c5b4a39")
PLACE = "deliveries/0c/0c6d2f1e6d5c4c8e9b1a2f0d6c5b4a39"


class Torn:
    """A body whose connection breaks after its first piece."""

    def __init__(self) -> None:
        self.pieces = [b"half a table"]

    def read(self, size: int = -1, /) -> bytes:
        if not self.pieces:
            raise OSError("connection reset by peer")
        return self.pieces.pop()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_body_is_stored_as_it_came_and_its_checksum_told(tmp_path: Path) -> None:
    body = os.urandom(3 * inbox.CHUNK + 17)

    received = inbox.receive(f"file://{tmp_path}", NUMBER, io.BytesIO(body), limit=len(body))

    assert received == inbox.Received(PLACE, len(body), hashlib.sha256(body).hexdigest())
    assert (tmp_path / PLACE).read_bytes() == body
    assert files(tmp_path) == [tmp_path / PLACE]


@pytest.mark.parametrize(
    ("body", "expected", "code"),
    [
        (b"", None, "publishing.no_rows"),
        (b"12345678901", None, "publishing.too_large"),
        (b"12345", 8, "publishing.cut_off"),
    ],
)
def test_a_body_that_is_refused_leaves_nothing_behind(tmp_path: Path, body: bytes, expected: int | None, code: str) -> None:
    with pytest.raises(KzError) as refused:
        inbox.receive(f"file://{tmp_path}", NUMBER, io.BytesIO(body), limit=10, expected=expected)

    assert refused.value.code == code
    assert files(tmp_path) == []


def test_a_connection_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="connection reset"):
        inbox.receive(f"file://{tmp_path}", NUMBER, Torn(), limit=1000)

    assert files(tmp_path) == []


def test_only_files_that_were_left_alone_for_long_are_old(tmp_path: Path) -> None:
    inbox.receive(f"file://{tmp_path}", NUMBER, io.BytesIO(b"rows"), limit=10)
    now = time.time()

    assert inbox.old_files(f"file://{tmp_path}", older_than=60, now=now) == []
    assert inbox.old_files(f"file://{tmp_path}", older_than=60, now=now + 100)[0].name == PLACE


def test_a_store_of_an_unknown_kind_is_not_written_to() -> None:
    with pytest.raises(UnknownStore):
        inbox.root("ftp://bucket/files")
