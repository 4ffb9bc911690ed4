"""Files in a bucket: whoever stores dies in the midst of an upload, the server answers errors, cuts, loses halves, is slow.

What was acknowledged is published in the end, every version has its rows, and those who have no copies read them, too. The
seed is printed; `KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_MOMENTS` makes the long form longer.
"""

from __future__ import annotations

import io
import itertools
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_urlsafe
from typing import TypeVar
from uuid import UUID

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing import process, receive
from ckanext.kzopen.publishing.datasets import known_passport
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import folding

from tests import s3
from tests.conftest import free_port, portal_at
from tests.faults import bucket_storing, storing
from tests.faults.test_kill_each_process import nothing_is_lost_or_doubled
from tests.faults.test_kill_in_storage import LONGEST_LIFE, Table
from tests.mortals import Forge
from tests.publishing.conftest import Api, new_agency, passport
from tests.publishing.test_large_tables import FIELDS, FIRST, body

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
Done = TypeVar("Done")
TRIES = 30
"""Times that something is done again: a server that fails often is no end."""


@pytest.fixture
def faults() -> s3.Faults:
    print(f"seed {SEED}")
    return s3.Faults(random.Random(SEED))


@pytest.fixture
def bucket(faults: s3.Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a bucket, in which this process keeps its files until the end of the test."""
    with s3.running(faults) as endpoint:
        address = s3.new_bucket(endpoint)
        monkeypatch.setitem(tk.config, "kzopen.files_url", f"{address}&cache={tmp_path / 'own'}")
        yield address


@pytest.fixture
def table(
    app: CKANTestApp, mortals: Forge, bucket: str, faults: s3.Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Table]:
    """A large table whose files are in the bucket. The portal's worker, which knows only files of its own, is told nothing."""
    monkeypatch.setattr(receive, "defer_check", lambda session, delivery: None)
    monkeypatch.setattr(folding, "defer", lambda *_args, **_kwargs: None)
    agency, uri = new_agency(app), f"bucket-{SEED}-{tmp_path.name[-8:].lower().replace('_', '-').strip('-')}-{os.getpid()}"
    assert Api(app, agency.token).put(uri, passport(agency.name, FIELDS, ["code"])).status_code == 201
    deliver(app, uri, body(FIRST), "replace")
    yield Table(app, mortals, uri, tmp_path, (bucket_storing.__name__, f"{bucket}&cache={tmp_path / 'theirs'}"))
    faults.share = 0
    with app.flask_app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        tk.get_action("dataset_purge")({"ignore_auth": True, "user": site}, {"id": uri})


def deliver(app: CKANTestApp, uri: str, rows: bytes, mode: str) -> str:
    """Send until it is acknowledged, as a client does, and publish it, as the worker does; its number."""
    with app.flask_app.test_request_context():
        number = insist(lambda: _received(uri, rows, mode))
        insist(lambda: process.process(model.Session(), configured(), number))
        model.Session.remove()
    return str(number)


def _received(uri: str, rows: bytes, mode: str) -> UUID:
    session, site = model.Session(), configured()
    sending = receive.Sending(mode, sender="tester", source="api")
    told = receive.deliver(session, site.files_url, known_passport(session, uri), sending, io.BytesIO(rows), site.largest)
    return UUID(str(told.delivery.id))


def insist(what: Callable[[], Done]) -> Done:
    """Do it until the bucket lets us."""
    for _ in range(TRIES):
        try:
            return what()
        except OSError as error:
            print(f"  {str(error)[:150]}")
            model.Session.rollback()
    raise AssertionError(f"not done in {TRIES} tries")


def broken(table: Table, bucket: str, faults: s3.Faults, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What does not hold for who has no copy of any file."""
    faults.share = 0
    with monkeypatch.context() as patch:
        patch.setitem(tk.config, "kzopen.files_url", f"{bucket}&cache={table.folder / 'nothing yet'}")
        table.finish()
        return table.broken()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "points",
    [
        pytest.param(bucket_storing.POINTS, id="uploads"),
        pytest.param(storing.POINTS, id="all", marks=pytest.mark.long),
    ],
)
def test_a_death_around_an_upload_leaves_no_half_version(
    table: Table, bucket: str, faults: s3.Faults, monkeypatch: pytest.MonkeyPatch, points: tuple[str, ...]
) -> None:
    found = {}
    for seed, point in enumerate(points, 1):
        table.live(seed, point)
        if sentences := broken(table, bucket, faults, monkeypatch):
            found[point] = sentences
    assert found == {}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("changes", "share"), [pytest.param(3, 0.3, id="few"), pytest.param(60, 0.3, id="many", marks=pytest.mark.long)]
)
def test_a_bucket_that_fails_now_and_then_loses_nothing(
    app: CKANTestApp,
    table: Table,
    bucket: str,
    faults: s3.Faults,
    monkeypatch: pytest.MonkeyPatch,
    changes: int,
    share: float,
) -> None:
    faults.share = share
    for number in itertools.count():
        if number >= changes and faults.happened.total() >= changes:
            break
        mode, rows = storing.body(faults.chance, number)
        said = {"delivery": deliver(app, table.uri, rows, mode), "mode": mode, "rows": rows.decode()}
        table.acknowledged.append(said)
    print(f"  {dict(faults.happened)}")

    assert broken(table, bucket, faults, monkeypatch) == []


def test_a_file_of_which_half_arrived_is_not_stored(bucket: str, faults: s3.Faults, tmp_path: Path) -> None:
    from ckanext.kzopen.core import files

    keeper = files.of(configured().files_url)
    faults.kinds, faults.share = ("short",), 1
    with keeper.scratch("versions/x") as temporary:
        temporary.write_bytes(b"0123456789" * 1000)
        with pytest.raises(OSError, match="arrived"):
            keeper.keep(temporary, "versions/x/v1")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_deaths_at_any_moment_while_the_bucket_fails_change_no_version(
    table: Table, bucket: str, faults: s3.Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = max(2, int(os.environ.get("KZOPEN_FAULT_MOMENTS", "10")) // 5)
    chance = random.Random(SEED)
    for _ in range(lives):
        faults.share, faults.kinds = 0.05, ("slow", "503")
        table.live(chance.randrange(10**6), seconds=chance.uniform(0, LONGEST_LIFE))
        assert broken(table, bucket, faults, monkeypatch) == [], f"seed {SEED}"


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_nothing_is_lost_or_doubled_when_processes_die_and_their_bucket_fails(
    tmp_path: Path, faults: s3.Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    def calm() -> None:
        faults.share = 0

    with s3.running(faults) as endpoint:
        # Commands of the launcher read them, too.
        monkeypatch.setenv("KZOPEN_FILES_URL", f"{s3.new_bucket(endpoint)}&cache={tmp_path / 'cache'}")
        monkeypatch.setenv("KZOPEN_SECRET_KEY", token_urlsafe(48))
        with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
            faults.share = 0.1
            nothing_is_lost_or_doubled(portal, before_the_end=calm)
    print(f"  {dict(faults.happened)}")
