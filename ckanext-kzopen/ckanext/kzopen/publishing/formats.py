"""Whether a body can be what its Content-Type says. What it is in the end, its bytes tell; a lie in the header is refused."""

from __future__ import annotations

import zlib

from ckanext.kzopen.core.web.errors import KzError

ANY = frozenset(
    {"", "application/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data", "binary/octet-stream"}
)
"""What clients send when they were told nothing: the bytes alone decide."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXTS = frozenset({"text/csv", "text/plain", "text/tab-separated-values", "application/csv", "text/x-csv"})
JSONS = frozenset(
    {"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
PARQUETS = frozenset({"application/vnd.apache.parquet", "application/x-parquet", "application/parquet"})
BOOKS = frozenset(
    {
        XLSX,
        "application/vnd.ms-excel",
        "application/vnd.ms-excel.sheet.macroenabled.12",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
GZIPS = frozenset({"application/gzip", "application/x-gzip"})
ZIPS = frozenset({"application/zip", "application/x-zip-compressed"})
GZIP, ZIP, OLE2, PARQUET = b"\x1f\x8b", b"PK", b"\xd0\xcf\x11\xe0", b"PAR1"
ACCEPTED = ("text/csv", "application/json", "application/x-ndjson", XLSX, "application/vnd.apache.parquet", "application/gzip")


def check_name(media_type: str) -> None:
    """Raise KzError publishing.not_accepted for a Content-Type that no table has."""
    if media_type.lower() not in ANY | TEXTS | JSONS | PARQUETS | BOOKS | GZIPS | ZIPS:
        raise KzError("publishing.not_accepted", given=media_type[:100], accepted=list(ACCEPTED))


def check(head: bytes, media_type: str) -> None:
    """Raise KzError publishing.not_as_told when the first bytes of a body, unpacked, cannot be of `media_type`."""
    kind = media_type.lower()
    packed = head.startswith(GZIP)
    begin = _unpacked(head) if packed and kind not in GZIPS else head
    if not _fits(begin, kind):
        raise KzError("publishing.not_as_told", given=media_type[:100])


def _fits(begin: bytes, kind: str) -> bool:
    if kind in JSONS:
        return begin.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[", b"")
    if kind in PARQUETS:
        return begin.startswith(PARQUET)
    if kind in GZIPS:
        return begin.startswith(GZIP)
    if kind in ZIPS:
        return begin.startswith(ZIP)
    if kind in BOOKS - {"application/vnd.ms-excel"}:  # browsers on Windows call CSV so
        return begin.startswith((ZIP, OLE2))
    return kind not in TEXTS or not begin.startswith((ZIP + b"\x03\x04", OLE2, PARQUET, b"%PDF", b"\x89PNG"))


def _unpacked(head: bytes) -> bytes:
    """What the first bytes unpack to; nothing of a broken body, about which the check will say more."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 4096)
    except zlib.error:
        return b""
