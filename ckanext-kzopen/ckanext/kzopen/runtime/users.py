"""`./kzopen user add` and `end-role`: accounts and roles of the staff, through the portal's own API."""

from __future__ import annotations

from typing import Any

import httpx
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import new_password, read_private
from ckanext.kzopen.runtime.status import address_of


class Refused(Exception):
    """The portal refused; the message is its own."""


def call(url: str, token: str, action: str, values: dict[str, Any]) -> Any:
    """One call of CKAN's action API.

    Raises Refused with the portal's words, or with what to do when the portal does not answer.
    """
    try:
        headers = {"Authorization": token, "Accept-Language": "en"}
        answer = httpx.post(f"{url}/api/3/action/{action}", json=values, headers=headers, timeout=60)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Refused(f"the portal at {url} does not answer; is it running? ./kzopen status") from error
    if not body.get("success"):
        raise Refused(_words(body.get("error", {})))
    return body["result"]


def _words(error: dict[str, Any]) -> str:
    """What a refusal says: our own errors are a sentence and a code, CKAN's are lists by field."""
    if "code" in error and isinstance(error.get("message"), list):
        return str(error["message"][0])
    return "; ".join(f"{key}: {value}" for key, value in error.items() if key != "__type")


def add_user(portal: Portal, name: str, email: str, agency: str | None, role: str) -> str:
    """Make an account, put it into its agency with a CKAN role, and return its random password.

    Raises Refused.
    """
    token = read_private(portal.accounts)["operator"]["token"]
    address, password = address_of(portal), new_password()
    call(address, token, "user_create", {"name": name, "email": email, "password": password})
    if agency:
        call(address, token, "organization_member_create", {"id": agency, "username": name, "role": role})
    return password


def end_role(portal: Portal, name: str, role: str, agency: str | None, reason: str) -> bool:
    """End a role of a person in the operator's name, in an agency or in the whole portal. Raises Refused.

    Whether the agency has no administrator now.
    """
    token = read_private(portal.accounts)["operator"]["token"]
    told = {"person": name, "role": role, "agency": agency, "reason": reason}
    return bool(call(address_of(portal), token, "staff_role_end", told)["without_administrator"])
