"""A folder and a bucket keep files alike."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pyarrow as pa
import pytest
from ckanext.kzopen.core import files
from ckanext.kzopen.core.files.cache import shrink
from ckanext.kzopen.core.files.kinds import UNFINISHED
from ckanext.kzopen.core.files.s3 import read_address
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.reading import Drafted
from ckanext.kzopen.rows.store import Condition
from ckanext.kzopen.runtime import external


def keep(kept: files.Files, name: str, content: bytes) -> None:
    with kept.scratch("versions") as temporary:
        temporary.write_bytes(content)
        kept.keep(temporary, name)


def test_a_kept_file_can_be_read_listed_and_deleted(address: str) -> None:
    kept = files.of(address)
    keep(kept, "versions/a/v1", b"one")
    keep(kept, "versions/b/v1", b"three")
    assert kept.path("versions/a/v1").read_bytes() == b"one"
    assert [(entry.name, entry.size) for entry in kept.listing("versions")] == [("versions/a/v1", 3), ("versions/b/v1", 5)]
    kept.delete("versions/a/v1")
    kept.delete("versions/a/v1")
    assert not kept.exists("versions/a/v1")
    with pytest.raises(FileNotFoundError):
        kept.path("versions/a/v1")
    assert list(kept.listing("nothing")) == []


def test_what_fails_leaves_nothing_behind(address: str) -> None:
    kept = files.of(address)

    def fail() -> None:
        with kept.scratch("versions") as temporary:
            temporary.write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert list(kept.listing("versions")) == []


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "versions//x", "versions/../../x", "", "a\\b"])
def test_no_name_leads_out_of_the_store(address: str, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a stored file"):
        files.of(address).path(name)


def test_what_was_written_in_the_workplace_is_stored_when_it_is_published(address: str) -> None:
    kept = files.of(address)
    place = kept.workplace / "deliveries" / "ab" / "body"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"rows")
    kept.publish("deliveries/ab/body")
    assert kept.exists("deliveries/ab/body")


def test_versions_are_written_read_and_verified(address: str) -> None:
    table = pa.table({"code": ["a", "b"], "sum": [1.5, None]})
    stored = store.write_version(address, "grants", 1, table)
    assert store.read_version(address, stored.path).equals(table)
    assert store.verify(address, stored.path, stored.sha256)
    assert store.condition(address, stored.path, "0" * 64) is Condition.DAMAGED
    assert [entry.name for entry in store.leftovers(address, set(), older_than=-60)] == [stored.path]
    assert store.delete_leftovers(address, set(), older_than=-60) == 1
    assert store.condition(address, stored.path, stored.sha256) is Condition.MISSING


def test_a_draft_is_read_before_it_is_kept(address: str) -> None:
    table = pa.table({"code": ["a", "b"], "sum": [1.5, None]})
    with store.drafted(address, "grants") as draft:
        draft.take(table)
        draft.end()
        assert Drafted.of(draft).read(["sum"]).equals(table.select(["sum"]))
        assert [entry.name for entry in files.of(address).listing("versions") if UNFINISHED not in entry.name] == []
        stored = draft.keep(1)
    assert store.read_version(address, stored.path).equals(table)


def test_what_a_killed_process_was_writing_beside_a_bucket_goes_after_a_day(bucket: str, tmp_path: Path) -> None:
    kept = files.of(bucket)
    keep(kept, "versions/a/v1", b"one")
    old, fresh = (tmp_path / "cache" / f"{UNFINISHED}{name}" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    keep(kept, "versions/a/v2", b"two")
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_kept_file_is_as_old_as_its_name(address: str) -> None:
    kept = files.of(address)
    with kept.scratch("versions") as temporary:
        temporary.write_bytes(b"one")
        os.utime(temporary, (0, 0))
        kept.keep(temporary, "versions/a/v1")
    assert time.time() - next(iter(kept.listing("versions"))).written < 60


def test_a_file_of_several_parts_arrives_whole(bucket: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * (12 << 12)
    kept = files.of(bucket)
    keep(kept, "versions/a/v1", content)
    shutil.rmtree(tmp_path / "cache")
    assert kept.path("versions/a/v1").read_bytes() == content


def test_a_lost_copy_is_fetched_from_the_bucket_again(bucket: str, tmp_path: Path) -> None:
    kept = files.of(bucket)
    keep(kept, "versions/a/v1", b"one")
    shutil.rmtree(tmp_path / "cache")
    assert kept.path("versions/a/v1").read_bytes() == b"one"
    assert (tmp_path / "cache" / "versions" / "a" / "v1").read_bytes() == b"one"


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    for n in range(4):
        (tmp_path / f"f{n}").write_bytes(b"x" * 10)
        os.utime(tmp_path / f"f{n}", (n, n))
    shrink([tmp_path], 20)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["f2", "f3"]


def test_an_address_tells_bucket_folder_account_and_server() -> None:
    found = read_address("s3://key:a%2Fb@data/portal/files?endpoint=http://127.0.0.1:9000&region=kz-1&cache=/c&cache_mb=1")
    assert (found.bucket, found.folder, found.key, found.secret) == ("data", "portal/files", "key", "a/b")
    assert (found.endpoint, found.region, str(found.cache), found.cache_bytes) == (
        "http://127.0.0.1:9000",
        "kz-1",
        "/c",
        1 << 20,
    )
    assert "a/b" not in repr(found)


def test_a_bucket_that_is_not_there_is_told_before_the_start(bucket: str, tmp_path: Path) -> None:
    assert list(external.bucket(bucket)) == []
    (sentence,) = external.bucket(bucket.replace("portal-", "missing-"))
    assert sentence.startswith("the bucket does not answer, or does not let us in:")


def test_a_bucket_whose_server_does_not_answer_is_away_and_a_file_that_is_not_stored_is_not(address: str) -> None:
    with pytest.raises(OSError, match="AWS Error") as raised:
        files.of("s3://key:secret@bucket?region=us-east-1&endpoint=http://127.0.0.1:1").exists("versions/a")
    assert files.is_away(raised.value)
    with pytest.raises(FileNotFoundError) as missing:
        files.of(address).path("versions/a")
    assert not files.is_away(missing.value)
