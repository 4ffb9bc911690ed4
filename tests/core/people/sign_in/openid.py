"""A small OpenID provider of the tests on this machine: it answers over real HTTP, and can be told to lie."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "portal", "a secret: with signs"
SENT_SECRET = "a%20secret%3A%20with%20signs"  # form-encoded, RFC 6749, 2.3.1
OWN_KEY = RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class OpenId:
    """What it says of the person who signs in; `lies` go over the claims of the token, `key` signs it."""

    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256"})
    issuer: str = ""
    told_issuer: str = ""
    issued: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = OWN_KEY

    def app(self) -> Flask:
        made = Flask("openid")
        made.add_url_rule("/.well-known/openid-configuration", view_func=self.configuration)
        made.add_url_rule("/keys", view_func=self.keys)
        made.add_url_rule("/authorize", view_func=self.authorize)
        made.add_url_rule("/token", view_func=self.token, methods=["POST"])
        return made

    def configuration(self) -> Response:
        at = self.issuer
        ends = {"authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/keys"}
        return jsonify(issuer=self.told_issuer or at, **ends)

    def keys(self) -> Response:
        return jsonify(keys=[OWN_KEY.as_dict(private=False)])

    def authorize(self) -> Any:
        """The person has agreed at once."""
        code = uuid4().hex
        self.issued[code] = dict(request.args)
        return redirect(f"{request.args['redirect_uri']}?{urlencode({'code': code, 'state': request.args['state']})}")

    def token(self) -> Any:
        asked = self.issued.pop(request.form["code"], None)
        wrong = self._wrong(asked)
        if wrong or asked is None:
            self.refused.append(wrong)
            return jsonify(error="invalid_grant"), 400
        now = int(time.time())
        told = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        token = jwt.encode({"kid": "one", **self.header}, {**told, **self.claims, **self.lies}, self.key)
        return jsonify(access_token="x", token_type="Bearer", id_token=token)

    def _wrong(self, asked: dict[str, str] | None) -> str:
        if asked is None:
            return "code"
        authorization = request.authorization
        if not authorization or (authorization.username, authorization.password) != (CLIENT, SENT_SECRET):
            return "client"
        if request.form["redirect_uri"] != asked["redirect_uri"]:
            return "redirect_uri"
        return "" if create_s256_code_challenge(request.form["code_verifier"]) == asked["code_challenge"] else "verifier"


def serve(provider: OpenId) -> Any:
    """Answer on a free port of 127.0.0.1; the server is shut down by its caller."""
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server
