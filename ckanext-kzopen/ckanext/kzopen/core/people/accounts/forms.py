"""What people type into the forms about their account: checked, with a sentence by each field, and nothing typed is lost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.people.accounts import policy
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language

_ADDRESS = re.compile(r"(?i)https?:|www\.|//")


@dataclass
class Form:
    """Values as they were typed, and what is wrong by field; passwords are never given back."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    status: int = 200

    def wrong(self, name: str, error: KzError) -> None:
        """Note what is wrong with a field, "" for the whole form."""
        self.errors.setdefault(name, error.text(request_language()))
        self.status = error.status if error.status in (429, 503) else 422

    @property
    def good(self) -> bool:
        return not self.errors

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def fullname(self) -> str:
        """A name without control characters and without the address of a site."""
        text = " ".join("".join(sign for sign in self.get("fullname") if unicodedata.category(sign)[0] != "C").split())
        if not 2 <= len(text) <= 100:
            self.wrong("fullname", KzError("people.name_wanted"))
        elif _ADDRESS.search(text):
            self.wrong("fullname", KzError("people.name_is_no_address"))
        return text

    def email(self) -> str:
        """An address to which a mail can be sent."""
        try:
            return mail.checked(self.get("email").strip())
        except KzError as error:
            self.wrong("email", error)
            return ""

    def language(self) -> str:
        """One of the portal's languages."""
        if self.get("language") not in LANGUAGES:
            self.wrong("language", KzError("people.language_wanted"))
        return self.get("language")

    def new_password(self, *about: str | None) -> str:
        """A password by the rules; `about` are the account's own words."""
        found = policy.problem(self.get("new_password"), [text for text in about if text])
        if found:
            self.wrong("new_password", found)
        return self.get("new_password")


def page(name: str, form: Form, **values: object) -> tuple[str, int]:
    """One of the pages about accounts with what was typed and what is wrong."""
    return tk.render(f"people/{name}.html", {"values": form.values, "errors": form.errors, **values}), form.status
