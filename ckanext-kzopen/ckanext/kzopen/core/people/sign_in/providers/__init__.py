"""Ways of signing in behind one interface: password and OpenID Connect; EDS, eGov and SMS plug in here.

    providers.register(Provider)         # at the start of the portal, by a plugin

A provider says who somebody is (`Identity`); whose account that is, and the second factor, are not its business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web import errors
from ckanext.kzopen.core.web.errors import KzError

errors.load(Path(__file__).with_name("errors.yaml"))


@dataclass(frozen=True)
class Identity:
    """Who the provider says it is: `subject` never changes there. `iin` is given only by one that has confirmed it."""

    provider: str
    subject: str
    email: str = ""
    names: str = ""
    iin: str = ""

    @property
    def plain(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Started:
    """Where the browser goes next, "" for a form of our own; and what `finish` needs to know again, kept on the server."""

    address: str = ""
    kept: Mapping[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """One way of signing in; `name` stands in addresses and in the event log."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> Words: ...

    def start(self, back: str) -> Started:
        """Begin; `back` is the address to which the provider sends the browser. Raises KzError."""
        ...

    def finish(self, started: Started, given: Mapping[str, str], address: str) -> Identity:
        """Who it is, from what came back; `address` is the reader's. Raises KzError."""
        ...


_providers: dict[str, Provider] = {}


def register(provider: Provider) -> None:
    """Offer this way of signing in; the same name again replaces it."""
    _providers[provider.name] = provider


def known(name: str) -> Provider:
    """The provider of that name; KzError web.not_found."""
    if name not in _providers:
        raise KzError("web.not_found")
    return _providers[name]


def elsewhere() -> list[Provider]:
    """The providers other than the password, for the buttons."""
    return [provider for name, provider in _providers.items() if name != "password"]
