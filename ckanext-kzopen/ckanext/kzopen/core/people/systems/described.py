"""What people say of a system and of a token in forms: checked field by field, each mistake an error of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any

from ckanext.kzopen.core.identifiers import has_check_digit, normalised
from ckanext.kzopen.core.people.systems.model import EVERYTHING
from ckanext.kzopen.core.people.systems.tokens import Wish
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from pydantic import BaseModel, ConfigDict

LONGEST = 200
MOST_NETWORKS = 50
LONGEST_LIFE = timedelta(days=3 * 366)
Errors = dict[str, KzError]


class Described(BaseModel):
    """A system as its form tells it; `datasets` are ids, None = all of the agency's."""

    model_config = ConfigDict(frozen=True)

    name: str
    bin: str
    contact: str
    email: str
    datasets: list[str] | None


def described(form: Mapping[str, str], chosen: list[str], known: frozenset[str]) -> tuple[Described | None, Errors]:
    """The system of a form, or what is wrong by field. `chosen` are ids of data sets, of which only `known` ones are taken."""
    read: dict[str, Any] = {}
    errors: Errors = {}
    fields: dict[str, Callable[[str], str]] = {"name": _text, "bin": _bin, "contact": _text, "email": _email}
    for name, check in fields.items():
        try:
            read[name] = check(form.get(name, "").strip())
        except KzError as error:
            errors[name] = error
    every = form.get("datasets") == "all"
    named = [package for package in chosen if package in known]
    if not every and not named:
        errors["datasets"] = KzError("systems.no_datasets")
    return (None, errors) if errors else (Described(**read, datasets=None if every else named), {})


def wished(form: Mapping[str, str], chosen: list[str], today: date) -> tuple[Wish | None, Errors]:
    """The token that a form asks for, or what is wrong by field. `chosen` is what it may do, of EVERYTHING."""
    errors: Errors = {}
    expires, addresses = None, tuple[str, ...]()
    try:
        expires = _last_day(form.get("expires", "").strip(), today)
    except KzError as error:
        errors["expires"] = error
    try:
        addresses = networks(form.get("addresses", ""))
    except KzError as error:
        errors["addresses"] = error
    if expires is None or errors:
        return None, errors
    return Wish(expires, addresses, form.get("key") or None, tuple(power for power in EVERYTHING if power in chosen)), {}


def networks(text: str) -> tuple[str, ...]:
    """The networks of a text, between spaces, commas or lines, as CIDR; a single address is a network of one."""
    found = []
    for part in text.replace(",", " ").replace(";", " ").split():
        try:
            found.append(str(ip_network(part)))
        except ValueError:
            raise KzError("systems.bad_network", network=part[:100]) from None
    if len(found) > MOST_NETWORKS:
        raise KzError("systems.too_many_networks", most=MOST_NETWORKS)
    return tuple(dict.fromkeys(found))


def _text(text: str) -> str:
    if not text:
        raise KzError("systems.required")
    if len(text) > LONGEST:
        raise KzError("systems.too_long", most=LONGEST)
    return text


def _bin(text: str) -> str:
    number = normalised(_text(text))
    if number is None or not has_check_digit(number):
        raise KzError("systems.bad_bin")
    return number


def _email(text: str) -> str:
    name, _, domain = _text(text).rpartition("@")
    if not name or "." not in domain or any(character.isspace() for character in text):
        raise KzError("systems.bad_email")
    return text


def _last_day(text: str, today: date) -> datetime:
    """The moment at which the day after the last one begins in Astana."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise KzError("systems.bad_day") from None
    if not today <= day <= today + LONGEST_LIFE:
        raise KzError("systems.bad_term", first=today, last=today + LONGEST_LIFE)
    return datetime.combine(day + timedelta(days=1), time(), ASTANA).astimezone(UTC)
