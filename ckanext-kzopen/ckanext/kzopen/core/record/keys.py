"""The keys that sign heads, promises and certificates: made, rotated, and their history told.

Private keys lie in files of the data directory (PKCS #8, encrypted with the portal's `record_password`, mode 0600), public
ones in the database. Each key makes a statement `{"type": "kzopen.record.key", "key", "public", "previous", "since"}` that
it signs itself (`signature`) and the key before it signs too (`endorsement`): whoever trusts one key can follow the history in
both directions, so a rotation does not invalidate what was signed before.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.record.canonical import canonical
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.journal import Journal
from ckanext.kzopen.core.record.log import append, moment
from ckanext.kzopen.core.record.tables import Key
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select, text

KIND = "record.key"
# Who signs and who rotates wait for each other: nothing is signed by a key after the moment at which it ended.
_ROTATING = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.record.key', 0))")
_SIGNING = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('kzopen.record.key', 0))")


class KeyMissing(Exception):
    """The private key of the record is not in the data directory, or its password is another one.

    Restore the file from a backup, or make a new key: ./kzopen record rotate-key --lost.
    """


@dataclass(frozen=True)
class Ring:
    """The folder of the private keys and of the journal, and the password that opens the keys."""

    folder: Path
    password: str = field(repr=False)

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / "journal.jsonl")

    def file_of(self, key: str) -> Path:
        return self.folder / f"key-{key[:16]}.pem"

    def keep(self, private: Ed25519PrivateKey) -> None:
        """Write a private key to its file, surely and for its owner only."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(self.password.encode()),
        )
        descriptor = os.open(self.file_of(key_id(public_of(private))), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def private(self, key: str) -> Ed25519PrivateKey:
        """The private key of that id; raises KeyMissing."""
        return _private(self.file_of(key), self.password)

    def keep_only(self, key: str) -> None:
        """Delete the private keys that will sign nothing more."""
        for file in self.folder.glob("key-*.pem"):
            if file != self.file_of(key):
                file.unlink()


@lru_cache(maxsize=4)
def _private(path: Path, password: str) -> Ed25519PrivateKey:
    # Opening takes some milliseconds, on purpose: the password is stretched.
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password.encode())
    except FileNotFoundError as error:
        raise KeyMissing(f"{path} is missing") from error
    except ValueError as error:
        raise KeyMissing(f"{path} cannot be opened with this password") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyMissing(f"{path} holds another kind of key")
    return private


def public_of(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """The SHA-256 of a public key, 64 hex digits."""
    return hashlib.sha256(public).hexdigest()


def ensure(session: AnySession, ring: Ring) -> Key:
    """The key in use, made when the portal has none; nothing is committed."""
    session.execute(_ROTATING)
    return in_use(session) or _new(session, ring, None, datetime.now(UTC))


def in_use(session: AnySession) -> Key | None:
    return session.scalars(select(Key).where(Key.until.is_(None))).one_or_none()


def rotate(session: AnySession, ring: Ring, *, lost: bool = False) -> Key:
    """Make a new key and end the one in use, which endorses the new one; nothing is committed.

    With `lost`, the old private key is not needed: the new key is then not endorsed, and readers must be told it anew. The
    caller deletes the old private key (`ring.keep_only`) after its commit.
    """
    session.execute(_ROTATING)
    now, old = datetime.now(UTC), in_use(session)
    if old is not None:
        old.until = now
        session.flush()
    return _new(session, ring, old, now, endorsed=not lost)


def _new(session: AnySession, ring: Ring, old: Key | None, now: datetime, endorsed: bool = True) -> Key:
    private = Ed25519PrivateKey.generate()
    public = public_of(private)
    statement: dict[str, Any] = {"type": "kzopen.record.key", "key": key_id(public), "public": public.hex()}
    statement |= {"previous": old.id if old else None, "since": moment(now)}
    signed = statement | {"signature": private.sign(canonical(statement)).hex()}
    if old is not None and endorsed:
        signed["endorsement"] = ring.private(old.id).sign(canonical(statement)).hex()
    ring.keep(private)
    ring.journal.note(signed)
    key = Key(id=key_id(public), public=public, since=now, statement=signed)
    session.add(key)
    session.flush()
    append(session, KIND, key.id, signed, at=now)
    return key


def history(session: AnySession) -> list[dict[str, Any]]:
    """The statements of all keys, oldest first; a key ends when the next begins."""
    return [dict(key.statement) for key in session.scalars(select(Key).order_by(Key.since))]


def sign(session: AnySession, ring: Ring, document: dict[str, Any]) -> dict[str, Any]:
    """The document with `at` (now), `key` and `signature`, made over the canonical text of all but the signature.

    Raises KeyMissing when the portal has no key yet, or not its private part.
    """
    session.execute(_SIGNING)
    key = in_use(session)
    if key is None:
        raise KeyMissing("the record has no key; ./kzopen serve makes it")
    named = document | {"at": moment(datetime.now(UTC)), "key": key.id}
    return named | {"signature": ring.private(key.id).sign(canonical(named)).hex()}


def is_signed(document: dict[str, Any], public: bytes, member: str = "signature") -> bool:
    """Whether `member` is the key's signature of the document; signatures themselves are not part of what is signed."""
    bare = {name: value for name, value in document.items() if name not in ("signature", "endorsement")}
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(document[member]), canonical(bare))
    except (InvalidSignature, KeyError, ValueError):
        return False
    return True
