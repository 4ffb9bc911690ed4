"""CKAN's actions with those of every plugin, as its API offers them."""

from __future__ import annotations

from typing import Any

from ckan import logic
from ckan.tests.helpers import CKANTestApp


def all_actions(app: CKANTestApp) -> dict[str, Any]:
    """Actions by name."""
    with app.flask_app.app_context():
        logic.get_action("status_show")
    return dict(logic._actions)


def only_reads(action: Any) -> bool:
    """Whether CKAN's API lets the action be called by GET."""
    return bool(getattr(action, "side_effect_free", False))
