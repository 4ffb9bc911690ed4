"""Security headers of every answer.

The content security policy is strict where CKAN's own pages allow it. Some of its templates carry scripts inside the page
(the form of a resource, the page of API tokens, embedded views): only those answers allow inline scripts, by endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping

Policy = Mapping[str, tuple[str, ...]]
SELF = "'self'"
STRICT: Policy = {
    "default-src": (SELF,),
    "script-src": (SELF,),
    # Bootstrap's and ECharts' widgets set styles on elements.
    "style-src": (SELF, "'unsafe-inline'"),
    # Logos of agencies may lie elsewhere; CKAN takes their addresses.
    "img-src": (SELF, "data:", "https:"),
    "font-src": (SELF, "data:"),
    "connect-src": (SELF,),
    "frame-src": (SELF,),
    "object-src": ("'none'",),
    "base-uri": (SELF,),
    "form-action": (SELF,),
    "frame-ancestors": (SELF,),
}
INLINE: Policy = {**STRICT, "script-src": (SELF, "'unsafe-inline'")}
# htmx compiles the `hx-on` attributes of that page.
TOKENS: Policy = {**STRICT, "script-src": (SELF, "'unsafe-inline'", "'unsafe-eval'")}
# Views are made to be embedded in other sites.
EMBEDDED: Policy = {**INLINE, "frame-ancestors": ("*",)}
# Files that people uploaded: whatever they are, no script of theirs runs with the portal's rights.
FILE: Policy = {
    "default-src": ("'none'",),
    "style-src": ("'unsafe-inline'",),
    "img-src": (SELF, "data:"),
    "media-src": (SELF,),
    "frame-ancestors": (SELF,),
}
_POLICY_OF_VIEW = {
    "new": INLINE,
    "edit": INLINE,
    "api_tokens": TOKENS,
    "view": EMBEDDED,
    "datastore_view": INLINE,
    "download": FILE,
}
_BLUEPRINTS = ("resource", "user", "dataset", "table", "datastore")
_PLAIN = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def policy_for(endpoint: str | None, path: str) -> Policy:
    """The policy of an answer, by the endpoint that made it (`dataset_resource.new`) or the path of an upload."""
    if path.startswith("/uploads/"):
        return FILE
    blueprint, _, view = (endpoint or "").rpartition(".")
    return _POLICY_OF_VIEW.get(view, STRICT) if blueprint.endswith(_BLUEPRINTS) else STRICT


def as_text(policy: Policy, *, upgrade: bool) -> str:
    """The header's value; `upgrade` asks the browser to take https for http, on a portal that has it."""
    parts = [f"{name} {' '.join(sources)}" for name, sources in policy.items()]
    return "; ".join([*parts, "upgrade-insecure-requests"] if upgrade else parts)


def security_headers(endpoint: str | None, path: str, *, https: bool) -> dict[str, str]:
    """All security headers of one answer; `https` is whether the portal's own address is https."""
    policy = policy_for(endpoint, path)
    headers = {**_PLAIN, "Content-Security-Policy": as_text(policy, upgrade=https)}
    if policy is not EMBEDDED:
        headers["X-Frame-Options"] = "SAMEORIGIN"
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers
