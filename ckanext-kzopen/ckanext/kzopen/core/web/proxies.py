"""Whose address a request comes from when web servers stand before ours.

Each of them puts the address that it saw at the end of `X-Forwarded-For`. Only as many ends count as the operator says there
are servers: what stands before them was written by the reader and may be anything.
"""

from __future__ import annotations

from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix


def behind(application: Any, proxies: int) -> Any:
    """The WSGI application as readers see it through so many web servers; with 0 the headers are not looked at."""
    return ProxyFix(application, x_for=proxies, x_proto=proxies, x_host=0) if proxies else application
