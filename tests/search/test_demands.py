"""Whatever a search finds has something that it demands, and what has nothing of that is not looked at.

`./kzopen test engines` tries more of them.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from ckanext.kzopen.search import demands, document
from ckanext.kzopen.search.demands import demanded, offered
from ckanext.kzopen.search.evaluation import holds
from ckanext.kzopen.search.portal import reading
from ckanext.kzopen.search.tree import All, And, Node, Not, Nothing, OneOf, Or, Term
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.search.conftest import SITE, source
from tests.search.test_differential import documents, trees

OFTEN = settings(
    max_examples=int(os.environ.get("KZOPEN_DEMANDS_EXAMPLES", "100")), deadline=None, suppress_health_check=list(HealthCheck)
)
NOTHING = [[demands.ANY]] * demands.MOST
PIECES = (
    *("бюджет", "бюджеті", "қаласының", "каласынын", "города", "мектептер", "mektep", "школа", "schools", "МО", "ЖКХ"),
    *('"бюджет города"', '"school budget"', "+мектеп", "-школа", "бюд*", "мекtеп~1", "title:мектеп", "tags:a", "format:CSV"),
    *("AND", "OR", "NOT", "(", ")", "*", "ш?ола", "updated:[2024 TO *]", "480-V", "name:n0*", "organization:ба^2", "№", "и"),
)
TITLES = (
    *("бюджет города", "қаласының мектептері", "школы и бюджет", "School budgets", "министерство обороны", "коммунальное"),
    *("жилищно-коммунальное хозяйство", "480-V", "мектеп", "ауа", "білім беру ұйымдары", "общее образование"),
)


def are_candidates(sources: list[dict[str, Any]], nodes: list[Node]) -> None:
    wanted = demanded(nodes)
    for one in sources:
        fields = document.from_solr(one, SITE).fields
        if all(holds(node, fields) for node in nodes):
            assert all(set(offered(fields)) & set(numbers) for numbers in wanted), f"{nodes} finds {one}"


@OFTEN
@given(documents(), st.lists(trees, min_size=1, max_size=3))
def test_what_a_tree_holds_for_is_a_candidate(sources: list[dict[str, Any]], nodes: list[Node]) -> None:
    are_candidates(sources, nodes)


@OFTEN
@given(
    st.lists(st.lists(st.sampled_from(TITLES), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=5),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(" ".join),
)
def test_what_typed_words_find_is_a_candidate(titles: list[str], typed: str) -> None:
    sources = [source(f"n{number:02d}", title=title, tags=["a"], res_format=["CSV"]) for number, title in enumerate(titles)]
    are_candidates(sources, [reading.read(typed).node])


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("мектептер", "Мектептің бюджеті"),
        ("школы", "Мектептер тізімі"),  # in the other language
        ("mektep", "Мектептер"),  # in the other alphabet
        ("жолдар -мектеп", "Жолдар"),
        ("жолдар OR мектеп", "Мектеп"),
        ('"жолдар тізімі"', "Жолдар тізімі"),
    ],
)
def test_a_search_that_demands_words_takes_what_has_one_and_leaves_what_has_none(typed: str, title: str) -> None:
    wanted = set(demanded([reading.read(typed).node])[0])
    assert demands.ANY not in wanted
    assert wanted & set(offered(document.from_solr(source("n", title=title), SITE).fields))
    assert not wanted & set(offered(document.from_solr(source("n", title="Су қоймалары"), SITE).fields))


@pytest.mark.parametrize("typed", ["", "бюд*", "бюджет~1", "NOT мектеп", "-мектеп", "updated:[2024 TO *]", "мектеп OR бюд*"])
def test_what_words_do_not_decide_is_looked_at_for_every_document(typed: str) -> None:
    assert demanded([reading.read(typed).node]) == NOTHING


def test_all_parts_are_demanded_the_rarest_first() -> None:
    section, format_ = OneOf("entity_type", frozenset({"package"})), OneOf("res_format", frozenset({"CSV"}))
    word, longer = Term("title", "су"), Term("notes", "мектептер")
    [words], [longest], [value], [kind] = (demanded([one])[0] for one in (word, longer, format_, section))
    assert demanded([section, format_]) == [[value], [kind], [demands.ANY]]
    assert demanded([section, format_, word, longer, Term("site_id", SITE)]) == [[longest], [words], [value]]
    wanted = [sorted((longest, words)), sorted((words, value)), [demands.ANY]]
    assert sorted(demanded([Or((word, format_, longer), 2)])) == sorted(wanted)


def test_what_finds_nothing_is_never_looked_at() -> None:
    assert demanded([Nothing()]) == demanded([And((All(), Term("title", "!?")))]) == [[], *NOTHING[1:]]
    assert demanded([Not(Nothing())]) == NOTHING
