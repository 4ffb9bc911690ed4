"""The form of an archive: written member by member, read with every byte checked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from ckanext.kzopen.core.files.disk import sync
from ckanext.kzopen.core.files.kinds import checked

FORMAT = 1
MANIFEST = "manifest.json"
MAIN = "main.dump"
"""The member without which an archive is none."""
PIECE = 1 << 20


class Unreadable(Exception):
    """The archive is not whole, or no archive of a portal; the message says what is wrong with it."""


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself: who made it and when (ISO 8601), and (size in bytes, SHA-256) of each member.

    `secrets` is the fingerprint of the secrets that belong to it; empty in archives made before there was one.
    """

    kzopen: str
    made: str
    files_here: bool
    members: dict[str, tuple[int, str]] = field(default_factory=dict)
    format: int = FORMAT
    secrets: str = ""


class Writer:
    """Adds members to an archive that is being made."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, tuple[int, str]] = {}

    def add(self, name: str, path: Path) -> None:
        """Add a file as it is now; one that only grows may go on growing meanwhile."""
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            told = tarfile.TarInfo(name)
            told.size, told.mtime, told.mode = found.st_size, int(found.st_mtime), 0o600
            hashed = _Hashed(file)
            self._tar.addfile(told, hashed)
        self.members[name] = (told.size, hashed.digest.hexdigest())

    def add_folder(self, name: str, folder: Path) -> None:
        """Add all files below a folder, in the order of their names."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.add(f"{name}/{file.relative_to(folder).as_posix()}", file)


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size)
        self.digest.update(found)
        return found


@contextmanager
def written(path: Path, manifest: Manifest) -> Iterator[Writer]:
    """An archive, whole and on the disk under its name after the block; what fails leaves nothing behind."""
    unfinished = path.with_name(path.name + ".part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                writer = Writer(tar)
                yield writer
                _add_manifest(tar, Manifest(**(asdict(manifest) | {"members": writer.members})))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _add_manifest(tar: tarfile.TarFile, manifest: Manifest) -> None:
    content = json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
    told = tarfile.TarInfo(MANIFEST)
    told.size, told.mode = len(content), 0o600
    tar.addfile(told, io.BytesIO(content))


def unpacked(path: Path, folder: Path) -> Manifest:
    """Write all members below the folder and compare each with the manifest; raises Unreadable, the folder then is rubbish."""
    return _read_through(path, lambda name, content: _placed(content, _target(folder, name)))


def read_through(path: Path) -> Manifest:
    """Compare each member with the manifest and write nothing; raises Unreadable."""
    return _read_through(path, lambda _name, content: _hashed(content))


def _read_through(path: Path, taken: Callable[[str, IO[bytes]], tuple[int, str]]) -> Manifest:
    """Give each member to `taken`, which tells its size and SHA-256."""
    found: dict[str, tuple[int, str]] = {}
    manifest: Any = None
    try:
        with tarfile.open(path, mode="r|") as tar:
            for member in tar:
                content = _content(tar, member)
                if member.name == MANIFEST:
                    manifest = json.load(content)
                else:
                    found[member.name] = taken(member.name, content)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Unreadable(f"{path} is no whole archive of a portal: {error}") from error
    return _agreed(path, manifest, found)


def texts_below(path: Path, folder: str) -> tuple[Manifest, list[str]]:
    """An archive's manifest, and the texts of its members below a folder, each compared with it; raises Unreadable."""
    try:
        with tarfile.open(path, mode="r") as tar:
            found = {
                member.name: _content(tar, member).read()
                for member in tar
                if member.name == MANIFEST or member.name.startswith(f"{folder}/")
            }
        told = json.loads(found.pop(MANIFEST, b"null"))
        texts = [content.decode() for content in found.values()]
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Unreadable(f"{path} is no whole archive of a portal: {error}") from error
    sizes = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in found.items()}
    return _agreed(path, told, sizes, f"{folder}/"), texts


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member) if member.isfile() else None
    if content is None:
        raise Unreadable(f"{member.name} is not a file: this archive was not made by ./kzopen backup")
    return content


def _target(folder: Path, name: str) -> Path:
    try:
        return folder / checked(name)
    except ValueError as error:
        raise Unreadable(f"{name!r} leads out of the data directory: this archive was not made by ./kzopen backup") from error


def _placed(content: IO[bytes], target: Path) -> tuple[int, str]:
    """Write a member to its place for its owner only; its size and SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        return _hashed(content, file)


def _hashed(content: IO[bytes], copy: IO[bytes] | None = None) -> tuple[int, str]:
    """Read a member to its end, writing it on where a copy is wanted; its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    while piece := content.read(PIECE):
        if copy:
            copy.write(piece)
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


@contextmanager
def member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of one member; raises Unreadable when it is not there."""
    try:
        with tarfile.open(path, mode="r") as tar:
            yield _content(tar, tar.getmember(name))
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise Unreadable(f"{path} holds no whole {name}: {error}") from error


def _agreed(path: Path, told: Any, found: dict[str, tuple[int, str]], below: str = "") -> Manifest:
    """The manifest, when it tells of just what was found (of what lies `below`)."""
    if not isinstance(told, dict) or "members" not in told:
        raise Unreadable(f"{path} was cut off: its manifest is missing")
    if told.get("format") != FORMAT:
        raise Unreadable(f"{path} has format {told.get('format')}; this kzopen reads format {FORMAT}")
    members = {name: (int(size), str(digest)) for name, (size, digest) in told["members"].items()}
    if MAIN not in members:
        raise Unreadable(f"{path} holds no database: this archive was not made by ./kzopen backup")
    expected = {name: told for name, told in members.items() if name.startswith(below)}
    wrong = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    if wrong:
        raise Unreadable(f"{path} is damaged: {_some(wrong)} not as it was written")
    return Manifest(**(told | {"members": members}))


def _some(names: Iterable[str]) -> str:
    first, *rest = names
    return f"{first} and {len(rest)} more are" if rest else f"{first} is"
