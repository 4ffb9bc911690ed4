"""Plugin `portal_theme`: templates, styles and translations of the portal, and nothing that decides anything."""

from __future__ import annotations

from pathlib import Path

import ckan.plugins as p
import ckan.plugins.toolkit as tk

from portal_theme.languages import DOMAIN, LANGUAGES, OUR_CATALOGUES, OURS



class PortalThemePlugin(p.SingletonPlugin):
    """The look of the portal on CKAN's own templates (`ckan.base_templates_folder = templates`).

    The compiled catalogues lie under `ckan.i18n_directory`, where the launcher builds them; the checkout is never written.
    """

    p.implements(p.IConfigurer)
    p.implements(p.ITranslation)

    def update_config(self, config: tk.CKANConfig) -> None:
        """Put our templates, files and styles before those of the plugins listed after this one."""
        tk.add_template_directory(config, "templates")
        tk.add_public_directory(config, "public")
        tk.add_resource("assets", "portal_theme")

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
