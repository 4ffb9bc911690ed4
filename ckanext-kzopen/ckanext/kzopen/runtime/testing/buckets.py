"""Where a suite keeps the files of its portals: on the disk, or in buckets of an S3-compatible server that runs meanwhile."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ckanext.kzopen.runtime.testing.suites import ROOT

FILES = ("disk", "s3")
NewBucket = Callable[[], str]
"""Makes a bucket, and gives its address."""


@contextmanager
def file_store(name: str) -> Iterator[NewBucket | None]:
    """What makes buckets until the block ends; None for files on the disk."""
    if name != FILES[1]:
        yield None
        return
    sys.path.insert(0, str(ROOT))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the server tells of each request
    s3 = importlib.import_module("tests.s3")
    with s3.running() as endpoint:
        yield lambda: str(s3.new_bucket(endpoint))
