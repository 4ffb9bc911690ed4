"""CKAN's own queue of jobs, into which extensions put theirs: the portal's process `ckan-worker` runs them."""

from __future__ import annotations

import re
import time

import pytest
from ckan.common import config
from ckan.lib import jobs, redis
from ckan.plugins import toolkit as tk
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal

from tests.conftest import LivePortal

WITHIN = 60


@pytest.fixture
def in_its_place(live_portal: LivePortal, app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """CKAN of this process, which has the portal's Redis for its own."""
    portal = Portal(Settings(data=live_portal.data))
    site = re.search(r"^ckan.site_id *= *(\S+)$", portal.ini.read_text(), re.MULTILINE)
    assert site
    monkeypatch.setitem(config, "ckan.redis.url", addresses(portal)["ckan.redis.url"])
    monkeypatch.setitem(config, "ckan.site_id", site[1])
    monkeypatch.setattr(redis, "_connection_pool", None)
    monkeypatch.setattr(jobs, "_queues", {})


@pytest.mark.usefixtures("in_its_place")
def test_a_job_that_an_extension_enqueues_is_run_to_its_end() -> None:
    job = tk.enqueue_job(jobs.test_job, ["a word of the tests"], title="a test")
    until = time.monotonic() + WITHIN
    while (state := job.get_status(refresh=True)) != "finished":
        assert state != "failed", job.latest_result()
        assert time.monotonic() < until, state
        time.sleep(0.1)
