"""The address of a reader is the one that the last trusted web server saw, whatever the reader writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ckanext.kzopen.core.web.proxies import behind
from werkzeug.test import Client


def told(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Tells the address and the scheme that the portal would see."""
    start("200 OK", [])
    return [f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}".encode()]


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, "203.0.113.7", "10.0.0.9 http"),
        (1, "203.0.113.7", "203.0.113.7 https"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7 https"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7 http"),
        (2, "203.0.113.7", "10.0.0.9 http"),
    ],
)
def test_only_what_trusted_servers_wrote_counts(proxies: int, header: str, expected: str) -> None:
    client = Client(behind(told, proxies))
    headers = {"X-Forwarded-For": header, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "other.example.org"}
    assert client.get("/", headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.9"}).text == expected
