"""Plugin `portal_theme`: templates, styles and translations of the portal, and nothing that decides anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk

from portal_theme.catalogue import PORTAL
from portal_theme.cells import CELLS
from portal_theme.languages import DOMAIN, LANGUAGES, OUR_CATALOGUES, OURS
from portal_theme.reader import READER
from portal_theme.rows import ROWS
from portal_theme.table import TABLE


def facets() -> dict[str, Any]:
    """Fields of the search index by which people narrow a list, with their titles."""
    return {
        "extras_category": tk._("Category"),
        "organization": tk._("Organizations"),
        "res_format": tk._("Formats"),
        "extras_periodicity": tk._("Update frequency"),
    }


class PortalThemePlugin(p.SingletonPlugin):
    """The look of the portal on CKAN's own templates (`ckan.base_templates_folder = templates`).

    The compiled catalogues lie under `ckan.i18n_directory`, where the launcher builds them; the checkout is never written.
    """

    p.implements(p.IConfigurer)
    p.implements(p.IFacets, inherit=True)
    p.implements(p.ITemplateHelpers)
    p.implements(p.ITranslation)

    def update_config(self, config: tk.CKANConfig) -> None:
        """Put our templates, files and styles before those of the plugins listed after this one."""
        tk.add_template_directory(config, "templates")
        tk.add_public_directory(config, "public")
        tk.add_resource("assets", "portal_theme")

    def dataset_facets(self, facets_dict: dict[str, Any], package_type: str) -> dict[str, Any]:
        """What lists of data sets are narrowed by, in this order."""
        return facets()

    def organization_facets(self, facets_dict: dict[str, Any], organization_type: str, package_type: str) -> dict[str, Any]:
        """The same on the page of an organisation, but for the organisation itself."""
        return {name: title for name, title in facets().items() if name != "organization"}

    def get_helpers(self) -> dict[str, Callable[..., Any]]:
        """The reader's form of words, numbers and dates, for every template of the portal."""
        return {function.__name__: function for function in (*READER, *PORTAL, *CELLS, *ROWS, *TABLE)}

    def i18n_directory(self) -> str:
        """Where `<language>/LC_MESSAGES/ckanext-kzopen.mo` lies."""
        built = tk.config.get("ckan.i18n_directory")
        return str(Path(built) / OURS) if built else str(OUR_CATALOGUES)

    def i18n_locales(self) -> list[str]:
        """The languages into which our English strings are translated."""
        return list(LANGUAGES)

    def i18n_domain(self) -> str:
        """The gettext domain of our own strings."""
        return DOMAIN
