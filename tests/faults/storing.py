"""A process that delivers changes to one large table and folds it, until it is killed.

It prints what was acknowledged, a line of JSON each. With a point it kills itself with -9 there, once there is enough to fold;
with a largest size of files it has a disk that is full.
"""

from __future__ import annotations

import io
import json
import random
import resource
from typing import Any

from tests.mortals import make_deadly

POINTS = (
    "change written",
    "DataStore changed",
    "before the commit",
    "version committed",
    "changes gathered",
    "whole table written",
    "before the data set is locked",
    "before a file is made",
    "DuckDB file written",
)
SMALL_CHANGES = 2


def die_at(point: str) -> None:
    """Replace the function at the point by one that ends the process, before it or after it."""
    from ckanext.kzopen.publishing import package, process
    from ckanext.kzopen.rows import altering, duck, folding, reading, store, whole
    from ckanext.kzopen.rows import model as versions

    owner, name, before = {
        "change written": (store, "write_changes", False),
        "DataStore changed": (altering, "change", False),
        "before the commit": (package, "show_version", True),
        "version committed": (process, "settle", True),
        "changes gathered": (reading, "latest", False),
        "whole table written": (whole, "write", False),
        "before the data set is locked": (versions, "lock", True),
        "before a file is made": (folding, "_version", True),
        "DuckDB file written": (duck, "build", False),
    }[point]
    make_deadly(owner, name, before)


def body(chance: random.Random, number: int) -> tuple[str, bytes]:
    """A mode and rows: known keys changed, new ones added, some taken away again."""
    codes = [f"{chance.randrange(20_000):05d}" for _ in range(3)] + [f"9{number % 10_000:04d}"]
    if number % 4 == 3:
        return "delete", ("code\n" + "\n".join(dict.fromkeys(codes[:2])) + "\n").encode()
    rows = "".join(f"{code},n{number},{number}\n" for code in dict.fromkeys(codes))
    return "upsert", f"code,name,amount\n{rows}".encode()


def deliver(uri: str, mode: str, rows: bytes) -> str:
    """Acknowledge a delivery: from the commit on it is promised."""
    from ckan import model
    from ckanext.kzopen.publishing import receive
    from ckanext.kzopen.publishing.datasets import known_passport
    from ckanext.kzopen.publishing.site import configured

    session, site = model.Session(), configured()
    sending = receive.Sending(mode, sender="tester", source="api")
    stream = io.BytesIO(rows)
    return str(
        receive.deliver(session, site.files_url, known_passport(session, uri), sending, stream, site.largest).delivery.id
    )


def fold(uri: str, whole: bool) -> None:
    """What the worker does after a change; now and then the whole table anew, which takes thousands of changes else."""
    from ckan import model
    from ckanext.kzopen.publishing.site import configured
    from ckanext.kzopen.rows import deriving, folding
    from ckanext.kzopen.rows import model as versions

    session, url = model.Session(), configured().files_url
    version = versions.latest(session, uri)
    assert version is not None
    folding.fold(session, url, version.package_id)
    if whole:
        links = versions.way_to(session, version)
        if len(links) > 1:
            folding.make(session, url, version.package_id, None, version.number, links)
            version = versions.latest(session, uri)
            assert version is not None
            deriving.derive(session, version)


def main(app: Any, uri: str, seed: str, point: str = "", largest: str = "") -> None:
    from uuid import UUID

    from ckan import model
    from ckanext.kzopen.publishing import process, receive
    from ckanext.kzopen.publishing.site import configured

    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    receive.defer_check = lambda session, delivery, *_args, **_kwargs: None
    chance, number = random.Random(int(seed)), int(seed) % 1000 * 40
    while True:
        number += 1
        if point and number % 40 == SMALL_CHANGES:
            die_at(point)
        with app.test_request_context():
            mode, rows = body(chance, number)
            delivery = deliver(uri, mode, rows)
            print(json.dumps({"delivery": delivery, "mode": mode, "rows": rows.decode()}), flush=True)
            process.process(model.Session(), configured(), UUID(delivery))
            fold(uri, whole=number % 3 == 0)
            model.Session.remove()
