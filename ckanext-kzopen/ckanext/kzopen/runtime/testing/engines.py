"""The search engine of a suite: the embedded one, or another that `--engine` asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from ckanext.kzopen.runtime.testing.suites import ROOT

ENGINES = ("tantivy", "elasticsearch", "solr")


def lacking(name: str) -> str:
    """What stops an engine that is not embedded, in one sentence; empty when it can be started."""
    sys.path.insert(0, str(ROOT))
    return importlib.import_module("tests.search_engines").lacks(name) or ""


@contextmanager
def search_engine(name: str) -> Iterator[str]:
    """The address of the search engine of a suite, which runs until the block ends; empty for the embedded one."""
    if name == ENGINES[0]:
        yield ""
        return
    if lacks := lacking(name):
        sys.exit(lacks)
    engines = importlib.import_module("tests.search_engines")
    if name == "solr":
        with engines.solr("ckan_test") as address:
            yield address.replace("http://", "solr://", 1)
    else:
        with coming_elasticsearch() as (address, answers):
            answers.result()
            yield address


@contextmanager
def coming_elasticsearch() -> Iterator[tuple[str, Future[None]]]:
    """The address of an Elasticsearch that may be starting still, and what is done when it answers."""
    engines = importlib.import_module("tests.search_engines")
    with engines.coming_elasticsearch(*engines.QUICKLY) as (host, answers):
        yield f"elasticsearch://{host}/kzopen-tests", answers
