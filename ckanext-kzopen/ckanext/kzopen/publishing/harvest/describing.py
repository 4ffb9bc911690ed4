"""From what a source says of a data set to the passport that it gets here: pure functions, no database."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, get_args

from ckanext.kzopen.core.mail import addresses
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import input_errors
from ckanext.kzopen.publishing.harvest.kinds import Described
from ckanext.kzopen.publishing.harvest.settings import Defaults
from ckanext.kzopen.publishing.passport import Category, Passport, Periodicity
from ckanext.kzopen.rows.described import LABELS
from pydantic import ValidationError

LONGEST_TEXT = 10_000
LONGEST_WORD = 100
MOST_WORDS = 30
LONGEST_URI = 100
NOT_IN_URI = re.compile(r"[^a-z0-9_-]+")
PHONE = re.compile(r"[+0-9 ()-]{5,30}")
CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі",
        "a b v g d e yo zh z i i k l m n o p r s t u f kh ts ch sh sch - y - e yu ya a g k n o u u h i".replace("-", "").split(
            " "
        ),
        strict=True,
    )
)


def passport_of(described: Described, defaults: Defaults, owner: str, schema: Mapping[str, Any]) -> Passport:
    """The passport of a harvested data set; KzError harvest.bad_passport names the first field that cannot be mended."""
    told = {
        "title": texts(described.title, described.uri),
        "description": texts(described.description, described.title),
        "owner": owner,
        "category": described.category if described.category in get_args(Category) else defaults.category,
        "periodicity": described.periodicity if described.periodicity in get_args(Periodicity) else defaults.periodicity,
        "responsible": responsible(described.responsible) or (defaults.responsible and defaults.responsible.model_dump()),
        "keywords": words(described.keywords),
        "license": cleaned(described.license, LONGEST_WORD) or defaults.license or None,
        "schema": dict(schema),
    }
    try:
        return Passport.model_validate(told)
    except ValidationError as error:
        place, problem = next(iter(input_errors.by_place(error).items()))
        sentences = {language: problem.text(language) for language in LANGUAGES}
        raise KzError("harvest.bad_passport", place=place or "–", problem=sentences) from error


def texts(given: Mapping[str, str] | str, instead: Mapping[str, str] | str) -> dict[str, str]:
    """A text in all languages that the passport needs: a missing one is another's, a missing text is `instead`."""
    named = {"kk": given, "ru": given} if isinstance(given, str) else given
    found = {language: text for language in LANGUAGES if (text := cleaned(named.get(language)))}
    if not found:
        return texts(instead, "–") if instead != "–" else {"kk": "–", "ru": "–"}
    other = found.get("ru") or found.get("kk") or found["en"]
    return {"kk": found.get("kk", other), "ru": found.get("ru", other), "en": found.get("en", "")}


def cleaned(text: Any, longest: int = LONGEST_TEXT) -> str:
    """A text of somebody else's without what could not be stored or would mislead: control and direction characters."""
    kept = "".join(sign for sign in str(text or "") if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs"))
    return kept.strip()[:longest]


def labelled(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with clean labels; what a source says of a column is a text of somebody else's as well."""

    def told(field: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _clean(value) if name in LABELS else value for name, value in field.items()}

    return {**schema, "fields": [told(field) for field in schema.get("fields", [])]}


def _clean(label: Any) -> Any:
    if isinstance(label, Mapping):
        return {language: cleaned(text) for language, text in label.items()}
    return label if label is None else cleaned(label)


def words(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Keywords that fit into a passport; the others are left out."""
    found: dict[str, list[str]] = {}
    for language in LANGUAGES:
        several = [cleaned(word, LONGEST_WORD) for word in given.get(language) or []]
        found[language] = list(dict.fromkeys(word for word in several if len(word) > 1))[:MOST_WORDS]
    return found


def responsible(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Who answers for the data, with those addresses that are ones; None without a name."""
    if not given or not given.get("name"):
        return None
    phone = str(given.get("phone") or "")
    return {
        "name": texts(given["name"], "–"),
        "email": _email(str(given.get("email") or "")),
        "phone": phone if PHONE.fullmatch(phone) else None,
    }


def _email(address: str) -> str | None:
    """The address as mail servers know it; None for what is none, which CKAN would refuse together with the data set."""
    try:
        return addresses.checked(address)
    except KzError:
        return None


def uri_of(name: str, prefix: str = "") -> str:
    """A name for addresses out of any name: Cyrillic in Latin letters, at most 100 characters, a hash where it is cut."""
    latin = "".join(CYRILLIC.get(sign, sign) for sign in name.lower())
    plain = NOT_IN_URI.sub("-", unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()).strip("-_")
    found = f"{prefix}{plain}"
    if len(found) > LONGEST_URI or len(plain) < 2:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        found = f"{found[: LONGEST_URI - 13]}-{digest}"
    return found


def fingerprint_of(passport: Passport) -> str:
    """A SHA-256 by which a passport that has changed is told from one that has not."""
    told = json.dumps(passport.model_dump(by_alias=True, mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()
