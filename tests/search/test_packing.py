"""What is stored of a document takes little room and comes back as it was."""

from __future__ import annotations

import random

import orjson
import pytest
from ckanext.kzopen.search.engines.tantivy.packing import packed, unpacked


def test_what_stands_in_the_package_dict_takes_next_to_no_room_beside_it() -> None:
    chance = random.Random(1)
    words = ["".join(chance.choices("абвгдежзийклмнопрстуфхцчшыэюя", k=9)) for _ in range(300)]
    title, notes = " ".join(words[:20]), " ".join(words[20:])
    whole = orjson.dumps({"title": title, "notes": notes, "resources": []})
    rest = orjson.dumps({"notes": notes, "title": title, "site_id": "default"})
    beside = packed(rest, whole)
    assert len(beside) < len(packed(rest)) / 10
    assert unpacked(beside, whole) == rest


@pytest.mark.parametrize("whole", [None, b"", b"{}", "қ".encode() * 50_000])
def test_it_comes_back_whatever_stands_beside_it(whole: bytes | None) -> None:
    for written in (b"", b"{}", orjson.dumps({"notes": "Қ" * 70_000})):
        assert unpacked(packed(written, whole), whole) == written
