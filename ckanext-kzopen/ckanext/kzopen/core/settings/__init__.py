"""What an operator may set, read from `kzopen.toml` and `KZOPEN_*`; the launcher writes CKAN's ini from it.

Precedence: command-line option, then environment, then `kzopen.toml` in the working directory, then the default here.
The reference page `docs/settings.md` is generated from this model (`./kzopen doctor --settings-page`).
"""

from __future__ import annotations

from ckanext.kzopen.core.settings.model import Settings
from ckanext.kzopen.core.settings.reference import reference_page
from ckanext.kzopen.core.settings.rules import SettingsProblem, problems

__all__ = ["Settings", "SettingsProblem", "problems", "reference_page"]
