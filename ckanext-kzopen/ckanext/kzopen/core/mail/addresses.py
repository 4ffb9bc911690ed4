"""Addresses of electronic mail: one each, without a name, fit for a header and for SMTP's envelope."""

from __future__ import annotations

import re

import idna
from ckanext.kzopen.core.web.errors import KzError

LONGEST = 254  # RFC 5321, 4.5.3.1.3 less the brackets
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")  # dot-atom of RFC 5322


def checked(address: str) -> str:
    """The address without blanks around it; a domain in other letters (`почта.қаз`) is told as DNS knows it.

    Raises KzError mail.bad_address; also for quoted local parts, those in other letters than ASCII (few mail servers take
    them) and domains of the form `[192.0.2.1]`.
    """
    local, _, domain = address.strip().rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode() if domain else ""
    except idna.IDNAError as error:
        raise KzError("mail.bad_address", address=address[:LONGEST]) from error
    plain = f"{local}@{ascii_domain}"
    if len(local) > 64 or len(plain) > LONGEST or not _LOCAL.match(local) or not _DOMAIN.fullmatch(ascii_domain):
        raise KzError("mail.bad_address", address=address[:LONGEST])
    return plain


def usable(address: str | None) -> str | None:
    """`checked`; None for what is no address that mail can be sent to, such as CKAN's own `root@localhost`."""
    try:
        return checked(address or "")
    except KzError:
        return None


def same(address: str) -> str:
    """The form in which addresses are compared: case does not count, as mail servers have it in practice."""
    return address.strip().casefold()
