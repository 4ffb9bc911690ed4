"""Two accounts for trying the portal as agency staff: an editor and the administrator of the demonstration ministry."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.runtime.demo.api import Api, Refused
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import new_password, read_private, write_private

AGENCY = "demo-ministry"
STAFF = {"demo-editor": "editor", "demo-admin": "admin"}
MARK = {"kzopen": {"demonstration": True}}
"""Excuses the account from the second factor (core/people/second_factor/requiring.py)."""


def ensure_accounts(portal: Portal, url: str, token: str) -> None:
    """Make the accounts that are not noted in the portal's `accounts.json`, with random passwords, and note them there.

    An account that CKAN knows but the file does not gets a new password. Raises Refused.
    """
    known: dict[str, Any] = read_private(portal.accounts)
    with Api(url, token) as api:
        for name, role in STAFF.items():
            if name not in known:
                known[name] = {"password": _account(api, name), "role": role}
                write_private(portal.accounts, known)


def _account(api: Api, name: str) -> str:
    values: dict[str, Any] = {
        "name": name,
        "email": f"{name}@portal.invalid",
        "password": new_password(),
        "plugin_extras": MARK,
    }
    try:
        api.action("user_show", id=name)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        api.action("user_create", **values)
    else:
        api.action("user_patch", id=name, password=values["password"], plugin_extras=MARK)
    return str(values["password"])


def join_agency(api: Api) -> None:
    """Give the accounts that exist their place in the demonstration ministry."""
    for name, role in STAFF.items():
        try:
            api.action("organization_member_create", id=AGENCY, username=name, role=role)
        except Refused as refusal:
            if refusal.status not in (404, 409):
                raise
