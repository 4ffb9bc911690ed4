"""Which format the bytes are in, told by the bytes; names and media types lie too often."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from ckanext.kzopen.validation.cells import Limits, Unreadable

ZIP = b"PK\x03\x04"
GZIP = b"\x1f\x8b"
OLE2 = b"\xd0\xcf\x11\xe0"
FOREIGN = {
    b"%PDF": "pdf",
    b"\x89PNG": "picture",
    b"\xff\xd8\xff": "picture",
    b"GIF8": "picture",
    b"Rar!": "archive",
    b"7z\xbc\xaf": "archive",
    b"PK\x05\x06": "empty",
}
MARKUP = (b"<!doctype", b"<html", b"<table", b"<head", b"<body", b"<?xml", b"<svg")
CHUNK = 1 << 20


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def sniff(path: Path) -> str:
    """`xlsx`, `xls`, `ods`, `parquet`, `zip`, `gzip`, `json` (also NDJSON) or `text`; Unreadable for anything else."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise Unreadable("source-error", "empty")
    for signature, reason in FOREIGN.items():
        if head.startswith(signature):
            raise Unreadable("format-error", reason)
    if head.startswith(ZIP):
        return _kind_of_zip(path)
    if head.startswith(OLE2):
        return "xls"
    if head.startswith(GZIP):
        return "gzip"
    if head.startswith(b"PAR1"):
        return "parquet"
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith(MARKUP):
        raise Unreadable("format-error", "markup")
    return "json" if start[:1] in (b"{", b"[") else "text"


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = archive.read("mimetype")[:80] if "mimetype" in names else b""
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError) as error:
        raise Unreadable("compression-error", "damaged") from error
    if names & {"xl/workbook.xml", "xl/workbook.bin"}:
        return "xlsx"
    if mimetype.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    if "word/document.xml" in names or mimetype.startswith(b"application/vnd.oasis.opendocument"):
        raise Unreadable("format-error", "document")
    return "zip"


@contextmanager
def unpacked(path: Path, limits: Limits) -> Iterator[tuple[Path, str, str | None]]:
    """The table's own file, its kind and its name in the archive; the copy is removed at the end.

    An archive holds one table: with several, or with another archive inside, nobody can know which one is meant.
    """
    if path.stat().st_size > limits.size:
        raise Unreadable("byte-count", "too-large", limit=limits.size)
    kind = sniff(path)
    if kind in ("xlsx", "ods"):
        _refuse_bomb(path, limits)
    if kind not in ("zip", "gzip"):
        yield path, kind, None
        return
    with TemporaryDirectory(prefix="kzopen-unpacked-") as folder:
        target = Path(folder) / "table"
        member = None
        if kind == "zip":
            member = _unzip(path, target, limits)
        else:
            _gunzip(path, target, limits)
        inner = sniff(target)
        if inner in ("zip", "gzip"):
            raise Unreadable("compression-error", "nested")
        if inner in ("xlsx", "ods"):
            _refuse_bomb(target, limits)
        yield target, inner, member


def _refuse_bomb(path: Path, limits: Limits) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > limits.unpacked:
            raise Unreadable("compression-error", "too-large", limit=limits.unpacked)


def _unzip(path: Path, target: Path, limits: Limits) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            member = _only_member(archive)
            with archive.open(member) as source:
                _copy(source, target, limits)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError) as error:
        raise Unreadable("compression-error", "damaged") from error
    return member.filename


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    if not members:
        raise Unreadable("format-error", "empty")
    if len(members) > 1:
        raise Unreadable("compression-error", "several-files", count=len(members))
    if members[0].flag_bits & 0x1:
        raise Unreadable("compression-error", "encrypted")
    return members[0]


def _gunzip(path: Path, target: Path, limits: Limits) -> None:
    try:
        with gzip.open(path, "rb") as source:
            _copy(source, target, limits)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Unreadable("compression-error", "damaged") from error


def _copy(source: _Readable, target: Path, limits: Limits) -> None:
    """Copy what is unpacked, counting what really comes out: declared sizes may lie."""
    left = limits.unpacked
    with target.open("wb") as file:
        while chunk := source.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise Unreadable("compression-error", "too-large", limit=limits.unpacked)
            file.write(chunk)
