"""Runs tasks inside CKAN's application."""

from __future__ import annotations

import logging
from logging.config import fileConfig
from typing import Any

from ckanext.kzopen.core.jobs.registry import GaveUp, Task, argument_values

log = logging.getLogger(__name__)


class Runner:
    """Runs one task inside CKAN's application; each run has a request context and a session of its own."""

    def __init__(self, flask_app: Any) -> None:
        self.flask_app = flask_app

    def __call__(self, task: Task, attempts: int, args: dict[str, Any]) -> None:
        """Run it; an exception is told to the task's `failed` and raised again, so that it is tried later."""
        from ckan import model

        values = argument_values(args)
        with self.flask_app.test_request_context():
            try:
                if attempts > task.retry.times:
                    self._give_up(task, values)
                else:
                    task.function(**values)
            except Exception as error:
                log.exception("task %s with %s failed, attempt %d", task.name, values, attempts + 1)
                model.Session.rollback()
                if task.failed is not None:
                    task.failed(error, last=task.retry.wait(attempts) is None, **values)
                raise
            finally:
                model.Session.remove()

    def _give_up(self, task: Task, values: dict[str, Any]) -> None:
        # Only a worker that died in it leaves a job with so many attempts: it must not kill the next one too.
        log.error("task %s with %s is given up: its worker died each time", task.name, values)
        if task.failed is not None:
            task.failed(GaveUp(), last=True, **values)


def loaded(ini: str) -> Runner:
    """A runner in the portal that `ini` describes, its plugins loaded and its logging set up."""
    from ckan.cli import CKANConfigLoader
    from ckanext.kzopen.core.application import application

    config = CKANConfigLoader(ini).get_config()
    fileConfig(ini, disable_existing_loggers=False)
    return Runner(application(config)._wsgi_app)
