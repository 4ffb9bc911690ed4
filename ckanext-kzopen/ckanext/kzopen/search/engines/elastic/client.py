"""Connections to Elasticsearch: one client for each process, since a forked child may not use its parent's."""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Any

from ckanext.kzopen.search.engines.base import EngineAway
from ckanext.kzopen.search.engines.elastic.address import Address
from elasticsearch import Elasticsearch

ASKING = 10.0
WRITING = 120.0
"""Seconds to wait for an answer."""


def client(address: Address, timeout: float = ASKING) -> Elasticsearch:
    """The client of this process; a node that does not answer is left alone for a while, and another one asked.

    Raises EngineAway when the file of certificates cannot be read.
    """
    return _client(os.getpid(), address, timeout)


@cache
def _client(_pid: int, address: Address, timeout: float) -> Elasticsearch:
    options: dict[str, Any] = {"request_timeout": timeout, "max_retries": len(address.nodes), "retry_on_timeout": False}
    if address.login:
        options["basic_auth"] = address.login
    if address.api_key:
        options["api_key"] = address.api_key
    if address.ca:
        options["ssl_context"] = _trusting(address.ca)
    return Elasticsearch(list(address.nodes), **options)


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # SSLError is one
        raise EngineAway(f"{ca} (ca=) cannot be read as certificates") from error
