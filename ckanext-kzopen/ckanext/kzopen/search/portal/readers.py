"""Whose request it is, as permission labels."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.lib.plugins import get_permission_labels
from ckanext.kzopen.search.portal.answering import Labels


def labels() -> Labels:
    """The labels of whoever asks; None for operators, who see everything."""
    person = tk.current_user
    if person.is_authenticated and person.sysadmin:
        return None
    return frozenset(get_permission_labels().get_user_dataset_labels(person if person.is_authenticated else None))
