"""What the portal's templates ask of notices."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.notices import reader
from flask import g


def kz_unread_notices() -> int:
    """How many notices the person who is signed in has not seen, asked once in a request; 0 for others."""
    if not tk.current_user.is_authenticated:
        return 0
    if "kzopen_unread" not in g:
        g.kzopen_unread = reader.unread(model.Session, tk.current_user.id)
    return int(g.kzopen_unread)


HELPERS = (kz_unread_notices,)
