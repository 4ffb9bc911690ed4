"""A worker that dies while it takes a withdrawn thing out of one place, before or after it is out."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID


def deadly(take_out: Callable[..., None], before: bool) -> Callable[..., None]:
    def run(session: Any, thing: Any) -> None:
        if not before:
            take_out(session, thing)
        os.kill(os.getpid(), signal.SIGKILL)

    return run


def main(app: Any, number: str, name: str, when: str) -> None:
    from ckan import model
    from ckanext.kzopen.core.withdrawal.places import places, register
    from ckanext.kzopen.core.withdrawal.spread import spread

    for place in places():
        if place.name == name:
            register(replace(place, take_out=deadly(place.take_out, when == "before")))
    with app.test_request_context():
        spread(model.Session(), UUID(number))
