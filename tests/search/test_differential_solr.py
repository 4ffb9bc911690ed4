"""CKAN-shaped questions to a real Solr with CKAN's schema and to our engine: the same ids in order, counts and facets.

Only on fields where the language of a text does not matter: exact values, dates, words that no stemmer changes. Known and
wanted differences are left out of what is generated, each told where it is. `KZOPEN_DIFFERENTIAL_EXAMPLES` asks for more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysolr
import pytest
from ckanext.kzopen.search import document, solr_request
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Reader
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import search_engines
from tests.search.conftest import SITE, source

EXAMPLES = int(os.environ.get("KZOPEN_DIFFERENTIAL_EXAMPLES", "4"))
REQUESTS = 40
"""Requests for one set of documents."""

WORDS = ("2711", "480", "9001", "zhz", "qtr", "kato", "bin", "xml")
"""Digits, and letters that English endings do not touch."""
TAGS = ("alpha", "beta", "two words", "АҚ", "Ёлка")
GROUPS = ("g1", "g2", "g3")
AGENCIES = ("minfin", "stat", "health")
FORMATS = ("CSV", "XLSX", "JSON")
DAYS = (
    "2023-12-31T00:00:00Z",
    "2024-01-01T10:30:00.782Z",
    "2024-02-29T00:00:00Z",
    "2024-05-15T12:00:00Z",
    "1999-07-20T01:02:03Z",
)
BOUNDS = ("2024-01-01T00:00:00Z", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z+1DAY", "NOW-30YEARS", "NOW/DAY", "*")
EXTRAS = ("12", "7", "alpha", "beta")
FACETS = ("tags", "groups", "organization", "res_format", "vocab_themes", "extras_code", "license_id")
"""`extras_code` holds single words that no analysis changes: of others Solr counts stems, ours values."""
SORTS = ("name", "title_string", "metadata_modified", "metadata_created", "organization", "license_id")
QF = "name^4 title^4 tags^2 groups^2 text"

sentences = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=3, unique=True)


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents as CKAN sends them; names are unique."""
    made = []
    for number in range(draw(st.integers(3, 25))):
        fields = {
            "title": draw(sentences),
            "title_string": draw(sentences),
            "notes": draw(sentences),
            "tags": draw(some(TAGS)),
            "groups": draw(some(GROUPS)),
            "vocab_themes": draw(some(TAGS)),
            "res_format": draw(some(FORMATS)),
            "res_name": draw(st.lists(sentences.filter(bool), max_size=2)),
            "organization": draw(st.sampled_from((*AGENCIES, None))),
            "license_id": draw(st.sampled_from(("cc-by", "odbl", None))),
            "extras_code": draw(st.sampled_from((*EXTRAS, None))),
            "extras_subject": draw(sentences),
            "capacity": draw(st.sampled_from(("public", "public", "private"))),
            "issued_date": draw(st.sampled_from((*DAYS, None))),
            "metadata_created": draw(st.sampled_from(DAYS)),
            "metadata_modified": draw(st.sampled_from(DAYS)),
        }
        name = f"n{number:02d}"
        given_ = {key: value for key, value in fields.items() if value not in (None, "", [])}
        made.append(source(name, index_id=name, dataset_type="dataset", **given_))
    return made


def quoted(value: str) -> str:
    return f'"{value}"'


def clauses() -> st.SearchStrategy[str]:
    """What stands in `fq` and in fielded queries."""
    exact = st.one_of(
        st.builds("tags:{}".format, st.sampled_from(TAGS).map(quoted)),
        st.builds("groups:{}".format, st.sampled_from((*GROUPS, "g9"))),
        st.builds("organization:{}".format, st.sampled_from(AGENCIES)),
        st.builds("res_format:({})".format, st.lists(st.sampled_from(FORMATS), min_size=1, max_size=2).map(" OR ".join)),
        st.builds("vocab_themes:{}".format, st.sampled_from(TAGS).map(quoted)),
        st.builds("extras_code:{}".format, st.sampled_from(EXTRAS)),
        st.builds("name:{}".format, st.sampled_from(("n01", "n0*", "n?2", "[n03 TO n07]", "{n03 TO n07}", "[* TO n05]"))),
        st.builds("capacity:{}".format, st.sampled_from(("public", "private"))),
        st.builds("organization:{}".format, st.sampled_from(("[* TO *]", "[health TO minfin]", "s*"))),
        st.sampled_from(("license_id:*", "-license_id:*", "*:*", "extras_code:[* TO *]")),
    )
    ranges = st.builds(
        "{}:{}{} TO {}{}".format,
        st.sampled_from(("metadata_modified", "metadata_created", "issued_date")),
        st.sampled_from("[{"),
        st.sampled_from(BOUNDS),
        st.sampled_from(BOUNDS),
        st.sampled_from("]}"),
    )
    words = st.builds("{}:{}".format, st.sampled_from(("title", "notes", "text", "extras_subject")), st.sampled_from(WORDS))
    phrases = st.builds(
        '{}:"{} {}"'.format, st.sampled_from(("title", "notes")), st.sampled_from(WORDS), st.sampled_from(WORDS)
    )
    return st.one_of(exact, ranges, words, phrases)


def filters() -> st.SearchStrategy[str]:
    """`+a +b -c`, `a AND b`, `(a OR b)`: a required part leads, since Solr finds nothing for a nested negation by itself."""
    signed = st.builds(
        lambda first, rest: " ".join([f"+{first}", *(f"{sign}{clause}" for sign, clause in rest)]),
        clauses().filter(lambda clause: not clause.startswith("-")),
        st.lists(st.tuples(st.sampled_from("+-"), clauses().filter(lambda clause: not clause.startswith("-"))), max_size=2),
    )
    plain = clauses().filter(lambda clause: not clause.startswith("-"))
    either = st.lists(plain, min_size=2, max_size=3).map(lambda parts: f"({' OR '.join(parts)})")
    joined = st.lists(plain, min_size=2, max_size=2).map(" AND ".join)
    return st.one_of(clauses(), signed, either, joined)


free = st.lists(
    st.builds("{}{}".format, st.sampled_from(("", "", "", "", "+", "-")), st.sampled_from(WORDS)), min_size=1, max_size=7
).filter(lambda words: any(not word.startswith("-") for word in words))


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """The parameters that `PackageSearchQuery.run` makes of a `package_search`."""
    keys = draw(st.lists(st.sampled_from(SORTS), min_size=1, max_size=2, unique=True))
    order = ", ".join(f"{key} {draw(st.sampled_from(('asc', 'desc')))}" for key in keys if key != "name")
    asked: dict[str, Any] = {
        "q": "*:*",
        "fq": [*draw(st.lists(filters(), max_size=2)), "+site_id:" + quoted(SITE), "+state:active"],
        "sort": ", ".join([part for part in (order, draw(st.sampled_from(("name asc", "name desc")))) if part]),
        "rows": draw(st.sampled_from((0, 5, 50))),
        "start": draw(st.sampled_from((0, 0, 3))),
        "fl": "name",
        "facet": "true",
        "facet.field": draw(st.lists(st.sampled_from(FACETS), min_size=1, max_size=4, unique=True)),
        "facet.limit": draw(st.sampled_from((-1, 2, 50))),
        "facet.mincount": draw(st.sampled_from((1, 2))),
        "q.op": "AND",
        "df": "text",
        "wt": "json",
    }
    kind = draw(st.sampled_from(("all", "fielded", "free")))
    if kind == "fielded":
        asked["q"] = draw(filters().filter(lambda text: ":" in text))
    if kind == "free":
        words = {"q": " ".join(draw(free)), "defType": "dismax", "tie": "0.1", "qf": QF}
        asked |= words | {"mm": draw(st.sampled_from(("2<-1 5<80%", "100%", "1", "2", "-1", "50%", "2<75%")))}
    return asked


@pytest.fixture(scope="module")
def solr() -> Iterator[pysolr.Solr]:
    """An empty core of a real Solr."""
    lacks = search_engines.lacks("solr")
    if lacks:
        pytest.skip(lacks)
    with search_engines.solr("differential") as address:
        yield pysolr.Solr(address, timeout=60)


def of_solr(solr: pysolr.Solr, asked: dict[str, Any]) -> dict[str, Any]:
    answer = solr.search(**asked)
    flat = answer.facets["facet_fields"]
    facets = {name: list(zip(values[0::2], values[1::2], strict=True)) for name, values in flat.items()}
    if asked["facet.limit"] < 0:  # Solr then orders by value, ours by count as always; CKAN makes a dict of them
        facets = {name: sorted(values, key=lambda pair: (-pair[1], pair[0])) for name, values in facets.items()}
    return {"hits": answer.hits, "names": [one["name"] for one in answer.docs], "facets": facets}


def of_ours(reader: Reader, asked: dict[str, Any]) -> dict[str, Any]:
    answer = reader.search(solr_request.search_of(asked, None))
    facets = {name: list(values) for name, values in answer.facets.items()}
    return {"hits": answer.hits, "names": [one["name"] for one in answer.documents], "facets": facets}


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ours_answers_as_solr_does(solr: pysolr.Solr, tmp_path: Path) -> None:
    # Without shrinking: each try would write two indexes.
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    @given(documents(), st.lists(requests(), min_size=REQUESTS, max_size=REQUESTS))
    def agree(sources: list[dict[str, Any]], asked: list[dict[str, Any]]) -> None:
        solr.delete(q="*:*", commit=False)
        solr.add(sources, commit=True)
        engine = engine_of("", tmp_path)
        writer, _count = engine.built(iter(document.from_solr(one, SITE).entry() for one in sources))
        writer.close()
        reader = engine.reader()
        for one in asked:
            assert of_ours(reader, one) == of_solr(solr, one), one

    agree()
