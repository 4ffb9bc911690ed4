"""The search engine of a suite: the embedded one, or another that `--engine` asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ckanext.kzopen.runtime.testing.suites import ROOT

ENGINES = ("tantivy", "elasticsearch", "solr")


@contextmanager
def search_engine(name: str) -> Iterator[str]:
    """The address of the search engine of a suite, which runs until the block ends; empty for the embedded one."""
    if name == ENGINES[0]:
        yield ""
        return
    sys.path.insert(0, str(ROOT))
    engines = importlib.import_module("tests.search_engines")
    lacks = engines.lacks(name)
    if lacks:
        sys.exit(lacks)
    if name == "solr":
        with engines.solr("ckan_test") as address:
            yield address.replace("http://", "solr://", 1)
    else:
        with engines.elasticsearch() as host:
            yield f"elasticsearch://{host}/kzopen-tests"
