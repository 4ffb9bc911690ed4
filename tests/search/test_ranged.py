"""Values as they lie in the field for ranges: in the order of their bytes, in digits that tantivy's parser takes plainly."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import tantivy
from ckanext.kzopen.search.engines.tantivy import schema
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(texts, min_size=2))
def test_the_order_is_that_of_the_bytes(values: list[str]) -> None:
    in_order = sorted(values, key=lambda value: value.encode())
    assert sorted(values, key=lambda value: schema.ranged("f", value)) == in_order
    assert all(schema.ranged("f", value) < schema.behind("f") < schema.present("f") for value in values)


@given(texts, texts)
def test_other_values_are_other_terms(one: str, other: str) -> None:
    assert (schema.ranged("f", one) == schema.ranged("f", other)) == (one == other)


def test_each_digit_may_stand_in_a_bound(tmp_path: Path) -> None:
    index = schema.prepared(tantivy.Index(schema.schema(), path=str(tmp_path)))
    digits = schema._DIGITS.decode()
    writer = index.writer(15_000_000, 1)
    for digit in digits:
        document = tantivy.Document()
        document.add_text("exact", f"0{digit}{digit}")
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    for low, high in pairwise(digits):
        query = index.parse_query(f"exact:[0{low}{low} TO 0{high}{high}]")
        assert index.searcher().search(query).count == 2
