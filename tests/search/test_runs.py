"""Documents that change one by one are gathered in few segments, and what lies long in the index is not written again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ckanext.kzopen.search.engines.tantivy import folder, writer
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine
from ckanext.kzopen.search.engines.tantivy.folder import current
from ckanext.kzopen.search.engines.tantivy.runs import LARGEST, MOST, Runs

from tests.search.conftest import made

CHANGES = 3_000


def test_changes_one_by_one_cost_few_documents_each() -> None:
    runs, segments, written = Runs(), {"base": 10_000}, 0
    for number in range(CHANGES):
        keys = {f"k{number}"}
        keys |= set(runs.joined(keys, len(segments)))
        for name in [name for name, held in segments.items() if name != "base" and held <= keys]:  # type: ignore[operator]
            del segments[name]
        segments[f"s{number}"] = keys  # type: ignore[assignment]
        runs.written(keys)
        written += len(keys)
        assert len(keys) <= LARGEST
        if len(segments) > MOST:
            segments = {"base": 10_000 + number}
    assert written < 12 * CHANGES


def test_a_document_that_changes_again_and_again_stays_alone() -> None:
    runs = Runs()
    for number in range(100):
        assert runs.joined(["a"], min(1 + number, 2)) == []
        runs.written(["a"])


def test_a_document_that_was_removed_is_not_put_again() -> None:
    runs = Runs()
    runs.written(["a"])
    runs.forget(["a"])
    assert runs.joined(["b"], 1) == []


@pytest.mark.long
def test_the_large_segment_stays_as_it_is(tmp_path: Path) -> None:
    engine = TantivyEngine(tmp_path)
    documents = {one.key: one.entry() for one in (made(f"n{number}", title=f"t{number}") for number in range(400))}
    keys = list(documents)
    writer, _ = engine.built(documents[key] for key in keys[:200])
    (base,) = _segments(tmp_path)
    most = 0
    for key in keys[200:]:
        writer.put(documents[one] for one in (key, *writer.companions([key])))
        writer.commit()
        most = max(most, len(_segments(tmp_path)))
    writer.close()
    assert base in _segments(tmp_path)
    assert most <= MOST
    assert engine.reader().hashes() == {key: entry.hash for key, entry in documents.items()}


def _segments(root: Path) -> list[str]:
    return [segment["segment_id"] for segment in json.loads((current(root) / "meta.json").read_text())["segments"]]


def test_stored_documents_lie_in_small_blocks_as_we_have_packed_them(tmp_path: Path) -> None:
    engine = TantivyEngine(tmp_path)
    writer, _ = engine.built(iter([made("a", title="t").entry()]))
    writer.put([made("b", title="t").entry()])
    writer.commit()
    writer.close()
    told = json.loads((current(tmp_path) / "meta.json").read_bytes())
    assert told["index_settings"] == {"docstore_compression": "none", "docstore_blocksize": 4096}
    assert len(engine.reader().hashes()) == 2


def test_the_small_segments_of_a_new_index_become_one(tmp_path: Path) -> None:
    documents = [made(f"n{number}", title="t").entry() for number in range(8)]
    engine = TantivyEngine(tmp_path)
    engine.built(iter(documents[:4]))[0].close()
    generation = current(tmp_path)
    writing = writer._open(generation)
    for entry in documents[4:]:
        writer._add(writing, entry)
        writing.commit()
    assert len(_segments(tmp_path)) == 5
    writer._unite(writing, generation, documents[-MOST:])
    writing.wait_merging_threads()
    assert len(_segments(tmp_path)) == 1
    assert engine.reader().hashes() == {entry.key: entry.hash for entry in documents}


def test_two_segments_of_a_new_index_are_left_alone(tmp_path: Path) -> None:
    documents = [made(f"n{number}", title="t").entry() for number in range(2)]
    engine = TantivyEngine(tmp_path)
    engine.built(iter(documents[:1]))[0].close()
    writing = writer._open(current(tmp_path))
    writer._add(writing, documents[1])
    writing.commit()
    writer._unite(writing, current(tmp_path), documents)
    writing.wait_merging_threads()
    assert len(_segments(tmp_path)) == 2


def test_small_segments_beside_a_large_one_become_one(tmp_path: Path) -> None:
    one = made("a", title="t").entry()
    documents = [replace(one, key=f"n{number}") for number in range(17_000)]
    engine = TantivyEngine(tmp_path)
    engine.built(iter(()))[0].close()
    writing = writer._open(current(tmp_path), 200_000_000)
    for entry in documents:
        writer._add(writing, entry)
        if entry.key in ("n16997", "n16998", "n16999"):
            writing.commit()
    assert len(_segments(tmp_path)) == 3
    writer._unite(writing, current(tmp_path), documents[:MOST])
    writing.wait_merging_threads()
    assert len(_segments(tmp_path)) == 2
    assert engine.reader().hashes() == {entry.key: entry.hash for entry in documents}


@pytest.mark.parametrize(
    ("sizes", "together"),
    [
        ([], 0),
        ([5], 1),
        ([18_000, 17_500, 16_000, 14_500], 0),  # all in the level of the largest, which a small one does not reach
        ([20_000, 15_000, 500], 1),
        ([16_800, 12_000, 3], 3),
        ([1_000_000, 900_000, 9_000, 10, 1], 3),
    ],
)
def test_small_segments_are_those_of_the_lowest_level(
    sizes: list[int], together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_sizes", lambda _generation: dict(enumerate(sizes)))
    assert folder.small_segments(Path()) == together
