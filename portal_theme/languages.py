"""The languages of the portal, the gettext domain of its own strings, and where its catalogues lie in the checkout."""

from __future__ import annotations

from pathlib import Path

LANGUAGES = ("kk", "ru")
"""Languages into which our English strings are translated; English needs no catalogue of its own."""

DOMAIN = "ckanext-kzopen"
OURS = "ours"
"""Folder under `ckan.i18n_directory` for the catalogues of `DOMAIN`; its name must not be a language's."""

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
OUR_CATALOGUES = HERE / "i18n"
CORE_CATALOGUES = HERE / "core_i18n"
SAME_ALLOWED = OUR_CATALOGUES / "same_allowed.yaml"
TEMPLATE = OUR_CATALOGUES / f"{DOMAIN}.pot"


def catalogue(folder: Path, language: str, domain: str, suffix: str = "po") -> Path:
    """The file of one domain in one language, as gettext lays them out."""
    return folder / language / "LC_MESSAGES" / f"{domain}.{suffix}"


def N_(text: str) -> str:  # noqa: N802 - gettext's name for "translate this elsewhere"
    """Mark a string that comes to the templates as a value, so that it is extracted and translated."""
    return text


SITE_TITLE = N_("Open Government Portal")
"""The title that settings give a portal unless its operator names it otherwise."""
