"""The provider that every portal has: name or e-mail, and a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ckanext.kzopen.core.people.sign_in import password
from ckanext.kzopen.core.people.sign_in.providers import Identity, Started
from ckanext.kzopen.core.texts import Words


class ByPassword:
    """`subject` is the account's own id."""

    name = "password"
    label: ClassVar[Words] = {"kk": "Құпиясөз", "ru": "Пароль", "en": "Password"}

    def start(self, back: str) -> Started:
        return Started()

    def finish(self, started: Started, given: Mapping[str, str], address: str) -> Identity:
        user = password.signed_in_by(given.get("login", ""), given.get("password", ""), address)
        return Identity(self.name, user.id, user.email or "", user.fullname or "")
