"""A worker that dies while it takes a withdrawn thing out of one place, before or after it is out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from tests.mortals import deadly


def main(app: Any, number: str, name: str, when: str) -> None:
    from ckan import model
    from ckanext.kzopen.core.withdrawal.places import places, register
    from ckanext.kzopen.core.withdrawal.spread import spread

    for place in places():
        if place.name == name:
            register(replace(place, take_out=deadly(place.take_out, when == "before")))
    with app.test_request_context():
        spread(model.Session(), UUID(number))
