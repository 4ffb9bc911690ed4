"""Solr's rule how many words must occur."""

import pytest
from ckanext.kzopen.search.minimum_match import count


@pytest.mark.parametrize(
    ("rule", "words", "needed"),
    [
        ("2<-1 5<80%", 1, 1),
        ("2<-1 5<80%", 2, 2),
        ("2<-1 5<80%", 3, 2),
        ("2<-1 5<80%", 5, 4),
        ("2<-1 5<80%", 6, 4),
        ("2<-1 5<80%", 10, 8),
        ("3", 2, 2),
        ("-1", 4, 3),
        ("75%", 4, 3),
        ("-25%", 5, 4),
        ("100%", 3, 3),
        ("0%", 3, 0),
        ("nonsense", 3, 3),
    ],
)
def test_so_many_words_must_occur(rule: str, words: int, needed: int) -> None:
    assert count(rule, words) == needed
