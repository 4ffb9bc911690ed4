"""Plugin `kzopen`: CKAN interfaces of what every section stands on, and nothing else."""

from __future__ import annotations

import ckan.plugins as p
import ckan.plugins.toolkit as tk


@tk.blanket.config_declarations
class CorePlugin(p.SingletonPlugin):
    """Health, metrics, errors, security headers and the settings that all plugins share."""
