"""Addresses of scripts and styles: webassets looks at the time of each of their files for each page, a third of what it takes
to render one."""

from __future__ import annotations

from functools import cache
from typing import Any

from ckan.lib import webassets_tools


def keep_addresses(config: Any) -> None:
    """Have a process look for each bundle once, when a page first asks for it; in debug mode it goes on to look each time.

    Files change with a new version of the portal, and its processes begin anew.
    """
    if not config["debug"]:
        for bundle in webassets_tools.env:
            bundle.urls = cache(bundle.urls)
