"""The portal's key for people's secrets: hashes of what must be found again, encryption of what must be read again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

import ckan.plugins.toolkit as tk
from cryptography.fernet import Fernet


def keyed(purpose: str, text: str) -> str:
    """A hash that nobody can guess back without the portal's key, however few the possible texts (e-mail, IIN)."""
    return hmac.new(_key(purpose), text.encode(), hashlib.sha256).hexdigest()


def digest(token: str) -> str:
    """The hash under which a random token is kept; its 256 bits need no key."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """A token for a link: 43 characters, 256 bits."""
    return secrets.token_urlsafe(32)


def encrypted(purpose: str, text: str) -> str:
    """The text under the portal's key, for `decrypted`."""
    return _cipher(purpose).encrypt(text.encode()).decode()


def decrypted(purpose: str, text: str) -> str:
    """The text again; `cryptography.fernet.InvalidToken` where the portal's key is another one."""
    return _cipher(purpose).decrypt(text.encode()).decode()


def _cipher(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(purpose)))


def _key(purpose: str) -> bytes:
    """One key of its own for each purpose, so that a hash of one kind says nothing about another."""
    master = tk.config["kzopen.people_key"] or tk.config["SECRET_KEY"]
    return hmac.new(master.encode(), f"kzopen people {purpose}".encode(), hashlib.sha256).digest()
