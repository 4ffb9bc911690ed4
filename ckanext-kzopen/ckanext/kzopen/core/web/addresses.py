"""Which addresses the portal may call: public ones, and the internal networks that its operator has named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ckanext.kzopen.core.web.errors import KzError
from httpx import URL, InvalidURL

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
SCHEMES = ("http", "https")
# Public by number, yet a cloud's own service for its machines (Azure).
_PROVIDERS = frozenset({ip_address("168.63.129.16")})
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Decimal, octal and hexadecimal ways of writing an IPv4 address that resolvers take for one.
_NUMERIC_HOST = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a setting: CIDR blocks between spaces or commas."""
    return tuple(ip_network(part) for part in text.replace(",", " ").split())


def checked_url(address: str) -> URL:
    """The address as a URL with http or https, a host in usual notation and no password; raises KzError."""
    try:
        url = URL(address)
    except (InvalidURL, ValueError) as error:
        raise KzError("client.bad_address", address=shown(address)) from error
    if url.scheme not in SCHEMES:
        raise KzError("client.refused_scheme", scheme=url.scheme or "–")
    if not url.host or url.userinfo or _odd(url.host):
        raise KzError("client.bad_address", address=shown(address))
    return url


def shown(address: str) -> str:
    """An address as people may read it: without name and password, query and fragment, in which keys may stand."""
    return re.sub(r"//[^/]*@", "//", re.split(r"[?#]", address, maxsplit=1)[0])


def origin(url: URL) -> tuple[str, str, int | None]:
    """Scheme, host and port; None for a port that goes without saying."""
    return url.scheme, url.host, url.port


def _odd(host: str) -> bool:
    if "%" in host:  # a zone of IPv6: fe80::1%eth0
        return True
    if not _NUMERIC_HOST.fullmatch(host):
        return False
    try:
        IPv4Address(host)
    except ValueError:
        return True
    return False


def may_call(address: Address, internal: Iterable[Network]) -> bool:
    """Whether the portal may connect to this number; what an IPv6 address carries inside counts too."""
    inner = embedded(address)
    if any(one in network for network in internal for one in (address, inner)):
        return True
    return all(one.is_global and not one.is_multicast and one not in _PROVIDERS for one in (address, inner))


def checked_numbers(host: str, found: Iterable[str], internal: Iterable[Network]) -> list[Address]:
    """The numbers that a host's name was resolved to, as those to connect to: the name itself is not resolved again.

    One that may not be called refuses the host, for a name may hide it among good ones: KzError client.refused_address.
    """
    numbers, allowed = [ip_address(text) for text in found], tuple(internal)
    if not numbers:
        raise KzError("client.unreachable", host=host)
    if not all(may_call(number, allowed) for number in numbers):
        raise KzError("client.refused_address", host=host)
    return numbers


def embedded(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
