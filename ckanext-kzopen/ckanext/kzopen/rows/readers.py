"""Who may see a data set, and so read its table."""

from __future__ import annotations

import ckan.plugins.toolkit as tk


def may_see(user: str, package_id: str) -> bool:
    """Whether `user` ("" = anybody) may see the data set, as CKAN decides it; nobody sees one that is not there."""
    try:
        tk.check_access("package_show", {"user": user}, {"id": package_id})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return False
    return True
