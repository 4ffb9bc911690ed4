"""Who may publish what: an editor or administrator of the data set's organisation, as CKAN's own rights say."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import api_token
from ckanext.kzopen.core.web.errors import KzError

HEADER = "Authorization"
SCHEME = "bearer "


def holder_of_token(header: str | None) -> str:
    """Name of the active user whose API token the `Authorization` header holds, plain or after `Bearer`.

    Raises KzError publishing.no_token or publishing.bad_token. Cookies are not looked at, so that no page of another site
    can write in the name of a reader who is signed in.
    """
    token = (header or "").strip()
    if token.lower().startswith(SCHEME):
        token = token[len(SCHEME) :].strip()
    if not token:
        raise KzError("publishing.no_token")
    user = api_token.get_user_from_token(token)
    if user is None or not user.is_active:
        raise KzError("publishing.bad_token")
    return str(user.name)


def require_editor(user: str, package_id: str) -> None:
    """Raise KzError publishing.not_the_owner unless `user` may change the data set; one that `user` may not see is unknown."""
    if not may_edit(user, package_id):
        package = model.Package.get(package_id)
        if package is not None and not may_see(user, package_id):
            raise KzError("publishing.unknown_dataset", uri=package.name)
        owner = model.Group.get(package.owner_org) if package and package.owner_org else None
        name = owner.display_name if owner else ""
        raise KzError("publishing.not_the_owner", uri=package.name if package else package_id, owner=name)


def may_see(user: str, package_id: str) -> bool:
    """Whether `user` ("" = anyone) may know of the data set."""
    return _allowed("package_show", user, {"id": package_id})


def may_edit(user: str, package_id: str) -> bool:
    """Whether `user` may change the data set."""
    return _allowed("package_update", user, {"id": package_id})


def require_publisher(user: str, organization_id: str, uri: str) -> None:
    """Raise KzError publishing.not_the_owner unless `user` may create data sets of the organisation."""
    if not _allowed("package_create", user, {"owner_org": organization_id}):
        owner = model.Group.get(organization_id)
        raise KzError("publishing.not_the_owner", uri=uri, owner=owner.display_name if owner else organization_id)


def organizations_of(user: str) -> list[dict[str, str]]:
    """Organisations for which `user` may publish: id, name, title."""
    found = tk.get_action("organization_list_for_user")({"user": user}, {"permission": "create_dataset"})
    return [{name: str(row[name] or "") for name in ("id", "name", "title")} for row in found]


def _allowed(action: str, user: str, data: dict[str, str]) -> bool:
    try:
        tk.check_access(action, {"user": user}, data)
    except tk.NotAuthorized:
        return False
    return True
