"""The accounts that a new portal starts with; passwords are random and kept in the data directory, mode 0600."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ckanext.kzopen.runtime.secrets import new_password, read_private, write_private

ADMINISTRATOR = "operator"
TOKEN_NAME = "kzopen command"  # noqa: S105 - the name of a token, not a token


def make_first_accounts(path: Path) -> None:
    """Make the operator's account and its token when there are none, and note them in `path`."""
    known: dict[str, Any] = read_private(path)
    if ADMINISTRATOR not in known:
        password = new_password()
        _ensure_administrator(password)
        known[ADMINISTRATOR] = {"password": password, "token": make_token(ADMINISTRATOR), "role": "sysadmin"}
        write_private(path, known)
    _mark(known[ADMINISTRATOR]["token"])


def _mark(token: str) -> None:
    """The commands' token outlives a recovery of the account and needs no second factor; also one of an older portal."""
    from ckan import model
    from ckanext.kzopen.core.people.accounts import tokens

    tokens.mark_as_portals(model.Session, token)
    model.repo.commit_and_remove()


def _ensure_administrator(password: str) -> None:
    from ckan import model
    from ckan.plugins import toolkit as tk

    user = model.User.get(ADMINISTRATOR)
    if user is None:
        values = {"name": ADMINISTRATOR, "email": "operator@portal.invalid", "password": password}
        tk.get_action("user_create")({"ignore_auth": True}, values)
        user = model.User.get(ADMINISTRATOR)
    assert user is not None  # noqa: S101 - just made
    user.password, user.sysadmin = password, True
    model.repo.commit_and_remove()


def make_token(user: str) -> str:
    """A new API token of `user`."""
    from ckan.plugins import toolkit as tk

    return tk.get_action("api_token_create")({"ignore_auth": True, "user": user}, {"user": user, "name": TOKEN_NAME})["token"]
