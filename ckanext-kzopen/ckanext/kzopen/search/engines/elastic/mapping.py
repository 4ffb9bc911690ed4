"""Our fields in Elasticsearch.

Known keyword fields are fields of their own; all others lie in one `flattened` field, so that the thousands of names that
people give to extras make no thousands of fields. Texts come analysed, their tokens joined by spaces; those of other names lie
together in `tx`, each token behind its field's mark.
"""

from __future__ import annotations

import hashlib
import json
import struct
from functools import cache
from typing import Any

from ckanext.kzopen.search import fields
from ckanext.kzopen.search.engines.base import Entry

VERSION = "1"
"""Raise it when documents must be written anew although the fields stay the same."""

TEXTS = ("text", "title", "notes")
NGRAMS = tuple(sorted(fields.NGRAMS))
INTEGERS = frozenset({*fields.DATES, *fields.NUMBERS})
SHORTEST_GRAM, LONGEST_GRAM = 2, 10
PACKAGE_DICT = "validated_data_dict"
GIVEN_BACK = ("stored", PACKAGE_DICT)
DEEPEST = 10_000_000
"""Documents that one may page through; pages deeper than 10,000 are asked for by one stored key only."""


def mapping() -> dict[str, Any]:
    """The mapping of an index."""
    text = {"type": "text", "analyzer": "spaces"}
    properties: dict[str, Any] = {"key": {"type": "keyword"}, "hash": {"type": "long"}}
    properties |= {name: {"type": "keyword"} for name in fields.KEYWORDS}
    properties |= {order_field(name): {"type": "keyword"} for name in fields.SORTED_KEYWORDS}
    properties |= dict.fromkeys((*TEXTS, "tx"), text)
    properties |= {name: {**text, "norms": False, "index_options": "docs"} for name in NGRAMS}
    properties |= {name: {"type": "long"} for name in INTEGERS}
    properties |= {name: {"type": "flattened"} for name in ("kw", "at", "num")}
    return {"dynamic": False, "_source": {"includes": list(GIVEN_BACK)}, "properties": properties}


def settings(shards: int, replicas: int) -> dict[str, Any]:
    """The settings of an index; it is refreshed by its writer only, so that readers see whole batches."""
    return {
        "number_of_shards": shards,
        "number_of_replicas": replicas,
        "refresh_interval": "-1",
        "max_result_window": DEEPEST,
        "analysis": {"analyzer": {"spaces": {"type": "custom", "tokenizer": "whitespace"}}},
    }


@cache
def fingerprint() -> str:
    """Short name of the mapping, part of an index's name: one that was made by another is not used."""
    return hashlib.sha256(json.dumps([VERSION, mapping()], sort_keys=True).encode()).hexdigest()[:10]


def order_field(name: str) -> str:
    """Where the order key of a keyword field lies."""
    return f"{name}_order"


def marked(field: str, token: str) -> str:
    """A token of a field that lies in `tx`; the mark is short, since tokens end at 255 letters."""
    return f"{_mark(field)}.{token}"


@cache
def _mark(field: str) -> str:
    return hashlib.blake2b(field.encode(), digest_size=6).hexdigest()


def sortable_integer(number: int) -> str:
    """Text whose order by code points is the order of numbers from -2⁶³ to 2⁶³-1."""
    return f"{number + 2**63:020d}"


def sortable_float(number: float) -> str:
    """Text whose order by code points is the order of floats: the bits of IEEE 754, turned so that they compare."""
    bits = struct.unpack(">Q", struct.pack(">d", number + 0.0))[0]
    return f"{bits ^ (2**64 - 1 if bits >> 63 else 2**63):016x}"


def grams(text: str) -> str:
    """All runs of 2 to 10 letters inside the words of a text, in lower case, each once."""
    found: dict[str, None] = {}
    for word in text.lower().split():
        for length in range(SHORTEST_GRAM, LONGEST_GRAM + 1):
            found |= dict.fromkeys(word[start : start + length] for start in range(len(word) - length + 1))
    return " ".join(found)


def elastic_document(entry: Entry) -> dict[str, Any]:
    """One document as Elasticsearch takes it."""
    given = entry.fields
    document: dict[str, Any] = {"key": entry.key, "hash": entry.hash, "stored": entry.stored.decode()}
    if entry.validated_data_dict is not None:
        document[PACKAGE_DICT] = entry.validated_data_dict.decode()
    document |= {name: found for name, text in given["ngrams"].items() if (found := grams(text))}
    document |= {order_field(name): value for name, value in given["order"].items()}
    return document | _keywords(given["keywords"]) | _texts(given["texts"]) | _numbers(given["moments"], given["numbers"])


def _keywords(keywords: dict[str, list[str]]) -> dict[str, Any]:
    known = {name: values for name, values in keywords.items() if name in fields.KEYWORDS}
    return {**known, "kw": {name: values for name, values in keywords.items() if name not in known}}


def _texts(texts: dict[str, str]) -> dict[str, Any]:
    known: dict[str, Any] = {name: tokens for name, tokens in texts.items() if name in TEXTS and tokens}
    others = [" ".join(marked(name, token) for token in tokens.split()) for name, tokens in texts.items() if name not in TEXTS]
    return {**known, "tx": [line for line in others if line]}


def _numbers(moments: dict[str, int], numbers: dict[str, float]) -> dict[str, Any]:
    known = {name: int(number) for name, number in (*moments.items(), *numbers.items()) if name in INTEGERS}
    at = {name: sortable_integer(moment) for name, moment in moments.items() if name not in INTEGERS}
    num = {name: sortable_float(float(number)) for name, number in numbers.items() if name not in INTEGERS}
    return {**known, "at": at, "num": num}
