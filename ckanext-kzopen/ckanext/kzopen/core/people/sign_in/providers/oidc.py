"""OpenID Connect: authorization code with PKCE, state and nonce; the ID token's signature, issuer, audience and time checked.

OpenID Connect Core 1.0, 3.1; RFC 7636 (PKCE); RFC 9207 (`iss`). All requests go by the portal's guarded client.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from ckanext.kzopen.core.people.sign_in.providers import Identity, Started
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.addresses import Network
from ckanext.kzopen.core.web.client import Client, Limits
from ckanext.kzopen.core.web.errors import KzError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

LIMITS = Limits(connect=5, read=10, total=15, received=1_000_000, unpacked=1_000_000, redirects=0)
# Not "none", and no shared secrets: who holds the client's secret could sign tokens with HS256.
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
LEEWAY = 60  # seconds by which clocks may differ


@dataclass(frozen=True)
class Oidc:
    """One OpenID provider. `iin_claim` is the claim in which it gives an IIN that it has confirmed, "" for none."""

    name: str
    label: Words
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = "openid email profile"
    iin_claim: str = ""
    internal: tuple[Network, ...] = ()

    def start(self, back: str) -> Started:
        """The address at the provider, with everything in it that comes back or is proved later."""
        kept = {"state": generate_token(43), "nonce": generate_token(43), "verifier": generate_token(64), "back": back}
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": back,
            "scope": self.scope,
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": create_s256_code_challenge(kept["verifier"]),
            "code_challenge_method": "S256",
        }
        return Started(add_params_to_uri(self._metadata()["authorization_endpoint"], asked.items()), kept)

    def finish(self, started: Started, given: Mapping[str, str], address: str) -> Identity:
        """The person of the ID token; KzError people.provider_refused, people.provider_untrusted, client.…"""
        kept = started.kept
        if not hmac.compare_digest(given.get("state", "").encode(), kept["state"].encode()):
            raise self._untrusted()
        if given.get("iss", self.issuer) != self.issuer:
            raise self._untrusted()
        if not given.get("code"):
            raise KzError("people.provider_refused", name=self.label)
        metadata = self._metadata()
        tokens = self._exchange(metadata["token_endpoint"], given["code"], kept)
        claims = self._claims(str(tokens.get("id_token", "")), self._json(metadata["jwks_uri"]), kept["nonce"])
        return self._identity(claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        """An address that the provider has not confirmed is none."""
        email = str(claims.get("email", "")) if claims.get("email_verified") is True else ""
        iin = str(claims.get(self.iin_claim, "")) if self.iin_claim else ""
        return Identity(self.name, str(claims["sub"]), email, str(claims.get("name", ""))[:100], iin)

    def _claims(self, token: str, keys: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        wanted = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
            wanted.validate(read.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise self._untrusted() from error
        if read.claims.get("azp", self.client_id) != self.client_id:
            raise self._untrusted()
        return dict(read.claims)

    def _exchange(self, endpoint: str, code: str, kept: Mapping[str, Any]) -> dict[str, Any]:
        told = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": kept["back"],
            "code_verifier": kept["verifier"],
        }
        pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        return self._json(endpoint, "POST", headers, urlencode(told).encode())

    def _metadata(self) -> dict[str, Any]:
        """What the provider says of itself; it must be the issuer that the operator has named."""
        found = self._json(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.issuer or not all(isinstance(found.get(name), str) for name in wanted):
            raise self._untrusted()
        return found

    def _json(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> dict[str, Any]:
        with (
            Client(self.internal, LIMITS) as client,
            client.open(method, url, headers=headers, content=content) as answer,
        ):
            body = answer.body()
        try:
            found = json.loads(body)
        except ValueError as error:
            raise self._untrusted() from error
        if answer.status in (400, 401):
            raise KzError("people.provider_refused", name=self.label)
        if answer.status != 200 or not isinstance(found, dict):
            raise self._untrusted()
        return found

    def _untrusted(self) -> KzError:
        return KzError("people.provider_untrusted", name=self.label)
