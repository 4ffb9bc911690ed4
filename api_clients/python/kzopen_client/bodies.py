"""Whatever people call a table, as bytes that the portal takes: paths, bytes, lists of dicts, frames of pandas and polars."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

CSV, NDJSON, PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {".csv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON, ".json": "application/json", ".parquet": PARQUET, ".xlsx": XLSX}
PIECE = 1 << 20


@dataclass(frozen=True)
class Body:
    """Bytes with their length, SHA-256 and, where it is known, media type and name; `open` gives them from the start."""

    source: Path | bytes
    length: int
    sha256: str
    media_type: str | None = None
    name: str | None = None

    def open(self) -> BinaryIO:
        """A new stream of the bytes."""
        return self.source.open("rb") if isinstance(self.source, Path) else io.BytesIO(self.source)


def body_of(rows: Any) -> Body:
    """The bytes of a table; TypeError for what is none."""
    if isinstance(rows, str | Path):
        return _of_file(Path(rows))
    if isinstance(rows, bytes | bytearray):
        return _of_bytes(bytes(rows), None)
    if (frame := _parquet(rows)) is not None:
        return _of_bytes(frame, PARQUET)
    if isinstance(rows, Iterable) and not isinstance(rows, Mapping):
        lines = (json.dumps(row, ensure_ascii=False, default=str) for row in rows)
        return _of_bytes("\n".join(lines).encode(), NDJSON)
    raise TypeError(f"{type(rows).__name__} is no table: send a path, bytes, a list of dicts, or a pandas or polars frame")


def _of_file(path: Path) -> Body:
    digest, length = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            length += len(piece)
    return Body(path, length, digest.hexdigest(), TYPES.get(path.suffix.lower()), path.name)


def _of_bytes(data: bytes, media_type: str | None) -> Body:
    return Body(data, len(data), hashlib.sha256(data).hexdigest(), media_type)


def _parquet(rows: Any) -> bytes | None:
    """A frame as Parquet; None for what is no frame."""
    target = io.BytesIO()
    if hasattr(rows, "write_parquet"):  # polars
        rows.write_parquet(target)
    elif hasattr(rows, "to_parquet"):  # pandas; its index is no column
        rows.to_parquet(target, index=False)
    else:
        return None
    return target.getvalue()


def table_of(data: bytes, into: str) -> Any:
    """Parquet bytes as `polars`, `pandas`, `rows` (dicts) or `bytes`."""
    if into == "bytes":
        return data
    if into == "pandas":
        import pandas

        return pandas.read_parquet(io.BytesIO(data))
    if into in ("polars", "rows"):
        import polars

        frame = polars.read_parquet(io.BytesIO(data))
        return frame if into == "polars" else frame.to_dicts()
    raise ValueError(f"into={into!r}: choose polars, pandas, rows or bytes")


def forget(path: Path) -> None:
    """Remove a file that may be gone already."""
    with suppress(FileNotFoundError):
        path.unlink()
