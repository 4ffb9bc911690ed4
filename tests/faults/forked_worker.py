"""`python -m tests.faults.forked_worker INI`: loads CKAN once; each line of its input is a worker, born by fork.

A line `work NUMBER` makes a worker of the queue of harvesting; it starts a harvest when there were fewer than NUMBER, and ends
by itself when no run is open. A line `prepare ADDRESS` makes the agency and its source there. The answer to a line is the
process id of who does it; when that has ended, its exit code. Dead workers are noticed after a second instead of eight.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

NAME = "faults"
TRIES = 240


def main(ini: str) -> None:
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    config = CKANConfigLoader(ini).get_config()
    app = make_app(config)._wsgi_app
    hurry()
    print("ready", flush=True)
    for line in sys.stdin:
        verb, word = line.split(maxsplit=1)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                {"work": work, "prepare": prepare}[verb](app, config, word.strip())
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                os._exit(code)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def hurry() -> None:
    """Heartbeats and looks for dead workers come often, so that a hundred deaths take minutes."""
    from ckanext.kzopen.core.jobs import engine, worker

    engine.HEARTBEAT, engine.STALE_AFTER, worker.ROUND = 0.25, 1.0, 0.25
    worker.PAUSES = (0.25, 0.25, 0.25, 0.25)


def prepare(app: Any, config: Any, settings: str) -> None:
    """The agency, and its source switched on without a preview."""
    import ckan.plugins.toolkit as tk
    from ckan import model
    from ckanext.kzopen.publishing.harvest import sources

    with app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        free = {"ignore_auth": True, "user": site}
        agency = tk.get_action("organization_create")(free, {"name": NAME})
        given = {"name": NAME, "kind": "json_api", "settings": json.loads(settings), "defaults": {"seconds": 5}}
        operator = model.User.get(site).id
        source = sources.create(model.Session(), operator, agency["id"], given, None)
        source.previewed = source.fingerprint
        sources.switch(model.Session(), operator, source, "switch_on", "", None)
        model.Session.commit()


def work(app: Any, config: Any, number: str) -> None:
    """Be the worker of the queue until all runs have ended; the first thing it does is to start the run that is wanted."""
    from ckanext.kzopen.core.jobs import worker
    from ckanext.kzopen.core.jobs.registry import HARVEST

    patiently(lambda: start(app, int(number)))
    address = config["sqlalchemy.url"]

    async def until_done() -> None:
        stop = asyncio.Event()
        jobs = asyncio.create_task(worker.run(address, worker.Runner(app), stop, HARVEST, 4))
        while await asyncio.to_thread(under_way, app):
            await asyncio.sleep(0.2)
        stop.set()
        await jobs

    asyncio.run(until_done())


def start(app: Any, wanted: int) -> None:
    """Start the run number `wanted`, unless an earlier worker of this round did before it died."""
    from ckan import model
    from ckanext.kzopen.publishing.harvest import runs
    from ckanext.kzopen.publishing.harvest.model import Run, source_named
    from sqlalchemy import func, select

    with app.test_request_context():
        session = model.Session()
        if (session.scalar(select(func.count()).select_from(Run)) or 0) < wanted:
            source = source_named(session, NAME)
            assert source is not None
            runs.start(session, source, "harvest", runs.CLOCK)
            session.commit()
        model.Session.remove()


def patiently(action: Callable[[], None]) -> None:
    """Do it once PostgreSQL has recovered."""
    from ckan import model
    from sqlalchemy.exc import DBAPIError

    for _ in range(TRIES):
        try:
            action()
        except DBAPIError:
            model.Session.remove()
            time.sleep(0.25)
        else:
            return
    raise TimeoutError


def under_way(app: Any) -> bool:
    """Whether a run is open; wakes what is stranded, as the clock of a whole portal does. PostgreSQL may be away."""
    from ckan import model
    from ckanext.kzopen.publishing.harvest import runs
    from ckanext.kzopen.publishing.harvest.model import OPEN, Run
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    with app.test_request_context():
        try:
            runs.wake(model.Session())
            return bool(model.Session().scalar(select(func.count()).select_from(Run).where(Run.state.in_(OPEN))))
        except SQLAlchemyError:
            time.sleep(0.2)
            return True
        finally:
            model.Session.remove()


if __name__ == "__main__":
    main(*sys.argv[1:])
