"""Whether an Elasticsearch can be used, told before anything is started."""

from __future__ import annotations

from collections.abc import Iterator

from ckanext.kzopen.search.engines.base import EngineError
from ckanext.kzopen.search.engines.elastic import address
from ckanext.kzopen.search.engines.elastic.client import client
from ckanext.kzopen.search.engines.elastic.errors import as_engine_errors

VERSION = 8


def problems(url: str) -> Iterator[str]:
    """What stops a start with this address, a sentence each."""
    try:
        read = address.read(url)
        with as_engine_errors():
            version = str(client(read).info()["version"]["number"])
    except (address.AddressError, EngineError) as error:
        yield f"{error}."
        return
    if version.partition(".")[0] != str(VERSION):
        yield f"Elasticsearch {version} answers there; version {VERSION} is needed."
