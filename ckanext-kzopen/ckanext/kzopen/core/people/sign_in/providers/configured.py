"""The providers that the portal's settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckanext.kzopen.core.people.sign_in import providers
from ckanext.kzopen.core.people.sign_in.providers.by_password import ByPassword
from ckanext.kzopen.core.web.addresses import networks

if TYPE_CHECKING:
    from ckanext.kzopen.core.people.sign_in.providers.oidc import Oidc


def register(config: Any) -> None:
    """Password always; OpenID Connect where there is an issuer."""
    providers.register(ByPassword())
    if config["kzopen.oidc_issuer"]:
        providers.register(of_settings(config))


def of_settings(config: Any) -> Oidc:
    """The OpenID provider of the settings; a portal without one does not load its libraries."""
    from ckanext.kzopen.core.people.sign_in.providers.oidc import Oidc

    name = config["kzopen.oidc_name"]
    return Oidc(
        "oidc",
        {"kk": name, "ru": name, "en": name},
        config["kzopen.oidc_issuer"],
        config["kzopen.oidc_client_id"],
        config["kzopen.oidc_client_secret"],
        iin_claim=config["kzopen.oidc_iin_claim"],
        internal=networks(config["kzopen.internal_networks"]),
    )
