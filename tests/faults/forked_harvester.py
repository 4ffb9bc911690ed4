"""A worker of the harvests of a test, on a queue that the portal's own worker does not know; it ends when no run of the
source is open.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ckanext.kzopen.core.jobs import registry, worker
from ckanext.kzopen.core.jobs.registry import HARVEST, Task

from tests.faults.forked_worker import work

QUEUE = "harvest-of-a-test"


def on_a_queue_of_their_own() -> dict[str, Task]:
    """The tasks of harvesting that are deferred, as they are on that queue."""
    return {name: replace(task, queue=QUEUE) for name, task in registry.tasks(HARVEST).items() if task.cron is None}


def main(app: Any, source: str) -> None:
    """Work until no run of the source is open; look for jobs often, but take nobody for dead sooner than a portal does."""
    worker.ROUND = 0.25
    registry._tasks.update(on_a_queue_of_their_own())
    work(app, QUEUE, lambda: under_way(app, source))


def under_way(app: Any, source: str) -> bool:
    """Whether a run of the source is open."""
    from ckan import model
    from ckanext.kzopen.publishing.harvest.model import OPEN, Run, Source
    from sqlalchemy import select

    with app.test_request_context():
        try:
            wanted = select(Run.id).join(Source, Source.id == Run.source_id)
            return model.Session().scalar(wanted.where(Source.name == source, Run.state.in_(OPEN)).limit(1)) is not None
        finally:
            model.Session.remove()
