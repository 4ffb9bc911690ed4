"""What a person recognises a session by: the browser and the system in words, the address without its last part."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

# The first name that is found tells: Edge and Opera call themselves Chrome too, and everything calls itself Mozilla.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device(user_agent: str) -> str:
    """`Firefox, Windows`; "" where neither is known."""
    found = [_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)]
    return ", ".join(name for name in found if name)


def _first(table: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in table if mark in text), "")


def shortened(address: str) -> str:
    """`203.0.113.…` or `2001:db8:1:…`: enough to recognise a place by, not enough to find a person."""
    try:
        number = ip_address(address)
    except ValueError:
        return ""
    if isinstance(number, IPv4Address):
        return ".".join(str(number).split(".")[:3]) + ".…"
    network = ip_network((number, 48), strict=False)
    return str(network.network_address).rstrip(":") + ":…"
