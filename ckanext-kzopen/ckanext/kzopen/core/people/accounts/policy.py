"""What a password must be: long, and not what a stranger would try first. No rules about digits and signs.

After NIST SP 800-63B, 3.1.1.2: length, a list of what is common, and words of the account itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language

SHORTEST = 12
LONGEST = 256
VARIETY = 5  # different characters
# What people take when twelve characters are asked for; repetition and rows of keys are found by rule.
_COMMON = (
    *("password", "qwerty", "йцукен", "пароль", "құпиясөз", "kupiyasoz", "asdfgh", "zxcvbn", "qazwsx", "letmein", "welcome"),
    *("iloveyou", "admin", "administrator", "kazakhstan", "казахстан", "қазақстан", "almaty", "astana", "kzopen", "portal"),
)
_ROWS = ("0123456789012345", "9876543210987654", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
_OWN = 4  # characters from which on a name or an address counts as a word of the account


def problem(password: str, about: Iterable[str] = ()) -> KzError | None:
    """What is wrong with the password, None when it may be used; `about` are the name and the e-mail of the account."""
    if len(password) < SHORTEST:
        return KzError("people.password_short", least=SHORTEST)
    if len(password) > LONGEST:
        return KzError("people.password_long", most=LONGEST)
    folded = password.casefold()
    if len(set(folded)) < VARIETY or any(folded in row * 2 for row in _ROWS):
        return KzError("people.password_simple")
    rest = _without(folded, [*_COMMON, *_words(about)])
    return KzError("people.password_common") if len(rest.strip("0123456789!.-_@# ")) < VARIETY else None


def _words(about: Iterable[str]) -> list[str]:
    """The account's own words: parts of its name, its e-mail before and after the @."""
    parts = [part for text in about for part in text.casefold().replace("@", " ").replace(".", " ").split()]
    return [part for part in parts if len(part) >= _OWN]


def _without(text: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text


def validator(key: Any, data: Any, errors: Any, _context: Any) -> None:
    """In the place of CKAN's `user_password_validator`: whoever sets a password, by page, API or command."""
    value = data[key]
    if value is tk.missing or value in ("", None):
        return
    about = [data.get((name,)) for name in ("name", "fullname", "email")]
    found = problem(str(value), [text for text in about if isinstance(text, str)])
    if found:
        errors[("password",)].append(found.text(_language()))


def _language() -> str:
    try:
        return request_language()
    except RuntimeError:  # a command: there is no request
        return "en"
