"""Where the index lies: generations in one folder, and a link to the one that counts.

`<root>/<schema>-<number>/` is a generation, `<root>/current` a symbolic link to one of them. A rebuild writes a new generation
and moves the link in one step, so readers never see half an index.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.files.disk import sync
from ckanext.kzopen.search.engines.base import EngineError
from ckanext.kzopen.search.engines.tantivy.schema import fingerprint

_CURRENT = "current"
_LEAST, _LEVEL = 10_000, 2**0.75
"""How tantivy's `LogMergePolicy` sorts segments into levels: documents below which all count as equal, and how many times
larger the largest segment of a level is than the smallest may be."""
_BLOCK = 4_096
"""Bytes of stored documents that are read together; a page of hits reads as many blocks as it has hits."""
_MAGIC = (1337).to_bytes(4, "little")


def current(root: Path) -> Path:
    """The generation that counts; EngineError if there is none of our schema."""
    return current_state(root)[0]


def current_state(root: Path) -> tuple[Path, tuple[int, int]]:
    """The generation that counts, and what is another after every commit; EngineError if there is none of our schema.

    Every question asks for it, so it makes no paths that it has made before.
    """
    try:
        target = os.readlink(f"{root}/{_CURRENT}")
    except OSError as error:
        raise EngineError("there is no search index yet") from error
    if not target.startswith(fingerprint()):
        raise EngineError("the search index is of another version")
    try:
        found = os.stat(f"{root}/{target}/meta.json")
    except OSError as error:
        raise EngineError("the search index is incomplete") from error
    return _generation(root, target), (found.st_ino, found.st_mtime_ns)


def is_still(root: Path, state: tuple[int, int]) -> bool:
    """Whether the generation that counts is in this state: by one look, where `current_state` needs two."""
    try:
        found = os.stat(f"{root}/{_CURRENT}/meta.json")
    except OSError:
        return False
    return (found.st_ino, found.st_mtime_ns) == state


@lru_cache(maxsize=100)
def _generation(root: Path, target: str) -> Path:
    return root / target


def fresh(root: Path) -> Path:
    """A new, empty generation, not yet the one that counts."""
    root.mkdir(parents=True, exist_ok=True)
    number = 1 + max((_number(path) for path in _generations(root)), default=0)
    path = root / f"{fingerprint()}-{number:06d}"
    path.mkdir()
    return path


def store_as_given(generation: Path) -> None:
    """Have an index that has no documents yet store them as they are, in small blocks: they come packed, and tantivy's Python
    binding has no such settings."""
    meta = generation / "meta.json"
    told = json.loads(meta.read_bytes())
    told["index_settings"] = {**told["index_settings"], "docstore_compression": "none", "docstore_blocksize": _BLOCK}
    meta.write_text(json.dumps(told))


def switch(root: Path, generation: Path) -> None:
    """Let readers go to this generation, in one step, and durably."""
    link = root / f".{_CURRENT}-{generation.name}"
    link.unlink(missing_ok=True)
    link.symlink_to(generation.name)
    link.rename(root / _CURRENT)
    sync(root)


def sweep(root: Path) -> None:
    """Delete all generations but the current one; readers that still have an old one open keep its files until they close."""
    kept = os.readlink(root / _CURRENT) if (root / _CURRENT).is_symlink() else ""
    for path in _generations(root):
        if path.name != kept:
            shutil.rmtree(path, ignore_errors=True)


def missing(generation: Path) -> list[str]:
    """Segments that the index lists but of which no file is there."""
    present = {_segment(path) for path in generation.iterdir()}
    return sorted(_segments(generation) - present)


def damaged(generation: Path) -> list[str]:
    """Names of files whose checksum is wrong, and of segments that are gone.

    Every file of tantivy ends in `{"version": …, "crc": …}`, the length of that, and a magic number; the CRC-32 is over all
    that stands before.
    """
    listed = _segments(generation)
    files = [path for path in generation.iterdir() if _segment(path) in listed]
    return missing(generation) + sorted(path.name for path in files if not _sound(path))


def small_segments(generation: Path) -> int:
    """How many segments tantivy would merge with the smallest ones; EngineError when it cannot be read."""
    level: list[int] = []
    for size in sorted((max(size, _LEAST) for size in _sizes(generation).values()), reverse=True):
        if level and size * _LEVEL < level[0]:
            level = []
        level.append(size)
    return len(level) if level and level[0] <= _LEAST * _LEVEL else 0


def segments(generation: Path) -> int:
    """How many segments there are; EngineError when it cannot be read."""
    return len(_sizes(generation))


def _segments(generation: Path) -> set[str]:
    """Ids of the segments."""
    return set(_sizes(generation))


def _sizes(generation: Path) -> dict[str, int]:
    """The documents of each segment by its id, after `meta.json`; EngineError when it cannot be read."""
    try:
        meta = json.loads((generation / "meta.json").read_bytes())
        return {segment["segment_id"].replace("-", ""): _documents(segment) for segment in meta["segments"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError("meta.json of the search index is damaged") from error


def _documents(segment: dict[str, Any]) -> int:
    deleted = segment.get("deletes") or {}
    return int(segment["max_doc"]) - int(deleted.get("num_deleted_docs", 0))


def _segment(path: Path) -> str:
    return path.name.partition(".")[0]


def _sound(path: Path) -> bool:
    data = path.read_bytes()
    if data[-4:] != _MAGIC:
        return False
    length = int.from_bytes(data[-8:-4], "little")
    try:
        footer = json.loads(data[-8 - length : -8])
    except ValueError:
        return False
    return bool(zlib.crc32(memoryview(data)[: -8 - length]) == footer["crc"])


def _generations(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and _number(path) >= 0]


def _number(path: Path) -> int:
    number = path.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1
