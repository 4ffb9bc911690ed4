"""Security headers by endpoint."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core.web.headers import EMBEDDED, FILE, INLINE, STRICT, TOKENS, Policy, policy_for, security_headers


@pytest.mark.parametrize(
    ("endpoint", "path", "policy"),
    [
        ("home.index", "/", STRICT),
        ("dataset.read", "/dataset/a", STRICT),
        ("dataset_resource.read", "/dataset/a/resource/b", STRICT),
        ("dataset_resource.new", "/dataset/a/resource/new", INLINE),
        ("resource.edit", "/dataset/a/resource/b/edit", INLINE),
        ("dataset_resource.view", "/dataset/a/resource/b/view/c", EMBEDDED),
        ("dataset_resource.download", "/dataset/a/resource/b/download", FILE),
        ("user.api_tokens", "/user/a/api-tokens", TOKENS),
        ("organization.new", "/organization/new", STRICT),
        ("group.edit", "/group/edit/a", STRICT),
        (None, "/nothing", STRICT),
        ("static", "/uploads/group/logo.svg", FILE),
    ],
)
def test_a_page_has_the_strictest_policy_that_it_can_live_with(endpoint: str | None, path: str, policy: Policy) -> None:
    assert policy_for(endpoint, path) is policy


def test_no_policy_but_that_of_views_lets_others_frame_the_page() -> None:
    for policy in (STRICT, INLINE, TOKENS, FILE):
        assert policy["frame-ancestors"] == ("'self'",)
    assert EMBEDDED["frame-ancestors"] == ("*",)


def test_a_file_of_a_visitor_runs_no_script() -> None:
    assert FILE["default-src"] == ("'none'",)
    assert "script-src" not in FILE


def test_https_is_insisted_on_where_the_portal_has_it() -> None:
    plain = security_headers("home.index", "/", https=False)
    secure = security_headers("home.index", "/", https=True)
    assert "Strict-Transport-Security" not in plain
    assert "upgrade-insecure-requests" not in plain["Content-Security-Policy"]
    assert secure["Strict-Transport-Security"] == "max-age=31536000"
    assert secure["Content-Security-Policy"].endswith("; upgrade-insecure-requests")


def test_a_view_may_be_framed_and_a_page_may_not() -> None:
    assert "X-Frame-Options" not in security_headers("dataset_resource.view", "/dataset/a/resource/b/view/c", https=False)
    assert security_headers("home.index", "/", https=False)["X-Frame-Options"] == "SAMEORIGIN"
