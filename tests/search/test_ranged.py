"""Values as they lie in the field for ranges: in the order of their bytes, which tantivy's parser takes in base 64."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import tantivy
from ckanext.kzopen.search.engines.tantivy import schema
from ckanext.kzopen.search.engines.tantivy.compile import in_base64
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
    """Three bytes of the same six bits each are four times one digit."""
    index = schema.prepared(tantivy.Index(schema.schema(), path=str(tmp_path)))
    values = [(six * 0b1000001000001000001).to_bytes(3) for six in range(64)]
    writer = index.writer(15_000_000, 1)
    for value in values:
        document = tantivy.Document()
        document.add_bytes(schema.EXACT, value)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    for low, high in pairwise(values):
        query = index.parse_query(f"{schema.EXACT}:[{in_base64(low)} TO {in_base64(high)}]")
        assert index.searcher().search(query).count == 2
    ends = (values[0][:1], values[-1] + b"\xff")  # with the sign that fills up what is no multiple of three
    query = index.parse_query(f"{schema.EXACT}:[{' TO '.join(map(in_base64, ends))}]")
    assert index.searcher().search(query).count == 64
