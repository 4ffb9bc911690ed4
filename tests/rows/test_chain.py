"""Which files lead to a version, and which would lead there sooner."""

from __future__ import annotations

import pytest
from ckanext.kzopen.rows import chain
from ckanext.kzopen.rows.chain import Link, NoWay
from hypothesis import given, settings
from hypothesis import strategies as st


def whole(number: int, rows: int = 1_000_000) -> Link:
    return Link(None, number, f"v{number}", rows)


def change(since: int, number: int, rows: int = 100) -> Link:
    return Link(since, number, f"v{since}-v{number}", rows)


def names(found: list[Link]) -> list[str]:
    return [link.path for link in found]


DAY = [whole(1), *(change(n, n + 1) for n in range(1, 40))]


def test_a_version_is_its_whole_table_and_the_changes_after_it() -> None:
    assert names(chain.way(DAY, 3)) == ["v1", "v1-v2", "v2-v3"]


def test_many_changes_in_one_file_are_a_shorter_way() -> None:
    assert names(chain.way([*DAY, change(1, 9, 800)], 10)) == ["v1", "v1-v9", "v9-v10"]


def test_a_whole_table_is_taken_where_changes_would_be_more_to_read() -> None:
    links = [whole(1), change(1, 2, 600_000), change(2, 3, 600_000), whole(3)]
    assert names(chain.way(links, 3)) == ["v3"]
    assert names(chain.way(links, 2)) == ["v1", "v1-v2"]


def test_without_files_there_is_no_way() -> None:
    with pytest.raises(NoWay):
        chain.way([whole(1), change(2, 3)], 3)


def test_eight_changes_are_put_into_one_file() -> None:
    assert chain.fold(chain.way(DAY, 8), 1_000_000) is None
    assert chain.fold(chain.way(DAY, 9), 1_000_000) == (1, 9)


def test_changes_of_more_than_a_tenth_of_the_rows_become_a_whole_table() -> None:
    assert chain.fold([whole(1), change(1, 2, 99_000)], 1_000_000) is None
    assert chain.fold([whole(1), change(1, 2, 101_000)], 1_000_000) == (None, 2)


@given(st.integers(2, 600))
@settings(deadline=None, max_examples=12)
def test_however_many_changes_there_are_few_files_are_opened_and_every_version_stays(last: int) -> None:
    links = [whole(1)]
    for number in range(2, last + 1):
        links.append(change(number - 1, number))
        while (wanted := chain.fold(way := chain.way(links, number), 1_000_000)) is not None:
            since, end = wanted
            rows = 1_000_000 if since is None else sum(link.rows for link in chain.between(way, since, end) or [])
            links.append(Link(since, end, f"{wanted}", rows))
    assert len(chain.way(links, last)) <= 1 + 4 * chain.RADIX
    assert chain.reachable(links) == set(range(1, last + 1))


def test_what_a_version_that_goes_was_part_of_needs_another_way() -> None:
    links = [whole(1), change(1, 2), change(2, 3), change(3, 4)]
    rest = chain.without(links, {2})
    assert names(rest) == ["v1", "v3-v4"]
    assert chain.reachable(rest) == {1}
    assert names(chain.between(links, 1, 3) or []) == ["v1-v2", "v2-v3"]
    assert chain.between(links, 2, 1) is None


def test_the_checksum_of_a_change_is_over_its_parents_and_its_own() -> None:
    parent, own = "a" * 64, "b" * 64
    # printf '%s%s' "$(printf 'a%.0s' {1..64})" "$(printf 'b%.0s' {1..64})" | sha256sum
    assert chain.chained(parent, own) == "fa0dafbf43f1f551e536353e9d1a942a8e86e41a0b58dfeaf264ef217f6b862a"
