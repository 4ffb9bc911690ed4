"""Our fields in tantivy's schema.

Known keyword fields have columns of their own; all others lie in the JSON field `kw`, moments in `at`, numbers in `num`, words
in `tx`. tantivy reaches ranges of texts through its query parser only, which knows few signs and reads bounds as dates or
numbers where they look so; therefore the values in `kw` lie a second time in `exact`, as bytes, and so do those whose ranges
have to be exact to the last letter. Texts come analysed, their tokens joined by spaces, so tantivy only splits at spaces. What
nobody counts has no column; that it has values says a mark in `exact`.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache, lru_cache
from typing import Any

import orjson
import tantivy
from ckanext.kzopen.search import fields, visibility
from ckanext.kzopen.search.engines.base import Entry
from ckanext.kzopen.search.engines.tantivy.packing import packed, unpacked

VERSION = "13"
"""Raise it when documents must be written anew although the fields stay the same."""

KEYWORDS = tuple(sorted(fields.KEYWORDS))
TEXTS = ("text", "title", "notes")
MOMENTS = tuple(sorted(fields.DATES))
NGRAMS = tuple(sorted(fields.NGRAMS))
NUMBERS = tuple(sorted(fields.NUMBERS))
INTEGERS = frozenset({*MOMENTS, *NUMBERS})
RANKED = frozenset({"name", "tags", "groups"})
"""Keywords with terms of their own."""
TERMS = "terms"
EXACT = "exact"
_PAGED_BY = frozenset({"id", "index_id", "name"})
"""Known keywords by which one page follows another: `spans` looks at half a UUID."""
LONGEST_RANGED = 40
"""Bytes of a value that a range looks at."""
_HIGHEST = b"\xff"
"""In no text in UTF-8, so behind each of them."""
SHORTEST_GRAM, LONGEST_GRAM = 2, 10
PACKAGE_DICT = "validated_data_dict"
_PACKAGE_DICT_BYTES = f"{PACKAGE_DICT}_bytes"
_STORED_BYTES = "stored_bytes"
_BY_ITSELF = frozenset({"id", fields.SCORE, PACKAGE_DICT})
"""What is read without the other stored fields: a page of data sets wants no more."""
_ONLY_ID = frozenset({"id"})


@cache
def schema() -> tantivy.Schema:
    """The schema of a folder; a folder's name tells by which schema it was written."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("hash", fast=True)
    for name in KEYWORDS:
        if name not in fields.UNCOUNTED:
            tokenizer = "raw" if name in RANKED else "nothing"
            builder.add_text_field(name, fast=True, stored=name == "id", tokenizer_name=tokenizer, index_option="basic")
    builder.add_text_field(TERMS, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field(EXACT, indexed=True)
    for name in TEXTS:
        builder.add_text_field(name, tokenizer_name="spaces")
    for name in NGRAMS:
        builder.add_text_field(name, tokenizer_name="spaces", index_option="basic")
    for name in (*MOMENTS, *NUMBERS):
        builder.add_integer_field(name, indexed=False, fast=True)
    for name in fields.SORTED_KEYWORDS:
        builder.add_text_field(order_field(name), fast=True, tokenizer_name="nothing", index_option="basic")
    builder.add_json_field("kw", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_json_field("tx", tokenizer_name="spaces")
    builder.add_json_field("at", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_json_field("num", fast=True, tokenizer_name="raw", index_option="basic")
    for name in (_STORED_BYTES, _PACKAGE_DICT_BYTES):
        builder.add_bytes_field(name, stored=True)
    return builder.build()


@cache
def fingerprint() -> str:
    """Short name of the schema, part of a folder's name: tantivy refuses a folder with another schema."""
    layout = [VERSION, KEYWORDS, TEXTS, NGRAMS, MOMENTS, fields.SORTED_KEYWORDS, NUMBERS, sorted(fields.UNCOUNTED)]
    return hashlib.sha256(json.dumps(layout).encode()).hexdigest()[:10]


def prepared(index: tantivy.Index) -> tantivy.Index:
    """The index with our tokenizer, which every Index object needs before its first writer.

    It is read anew when it is told to be: tantivy would else look for commits twice a second, and open each for nobody.
    """
    whitespace = tantivy.Tokenizer.whitespace()
    index.register_tokenizer("spaces", tantivy.TextAnalyzerBuilder(whitespace).build())
    index.register_tokenizer("nothing", tantivy.TextAnalyzerBuilder(whitespace).filter(tantivy.Filter.remove_long(1)).build())
    index.register_fast_field_tokenizer("nothing", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw()).build())
    index.config_reader(reload_policy="manual")
    return index


def order_field(name: str) -> str:
    """Where the order key of a keyword field lies."""
    return f"{name}_order"


def path(root: str, name: str) -> str:
    """The address of a key inside a JSON field; a dot in the key is no step."""
    return f"{root}.{name.replace('.', chr(92) + '.')}"


def in_exact(field: str) -> bool:
    """Whether the values of a field lie in `exact`."""
    return field not in fields.KEYWORDS or field in _PAGED_BY


def ranged(field: str, value: str) -> bytes:
    """A value as it lies in `exact`, behind its field's mark.

    Building dictionaries of such terms is a fifth of the work of indexing: the shorter they are, the better.
    """
    return _digest(field) + value[:LONGEST_RANGED].encode("utf-8", "surrogatepass")[:LONGEST_RANGED]


def behind(field: str) -> bytes:
    """Greater than all values of the field as they lie in `exact`."""
    return _digest(field) + _HIGHEST


def present(field: str) -> bytes:
    """What lies in `exact` for a field that has values but no column; greater than `behind`, so no range reaches it."""
    return behind(field) + _HIGHEST


@cache
def opened() -> bytes:
    """What lies in `exact` for a document that everybody may find."""
    return present("public")


@cache
def dated() -> bytes:
    """What lies there for one that everybody may find from a moment on."""
    return present("public from")


@cache
def closed() -> bytes:
    """What lies there for one that not everybody may find."""
    return present("not public")


def beginnings(text: str) -> str:
    """From each letter of each word on, at most ten letters: a run of 2 to 10 letters inside a word begins one of them."""
    return " ".join(
        [word[at : at + LONGEST_GRAM] for word in text.lower().split() for at in range(len(word) - SHORTEST_GRAM + 1)]
    )


@cache
def mark(field: str) -> str:
    """What stands before a value of the field where values of several fields lie together; twelve hexadecimal digits."""
    return _digest(field).hex()


@lru_cache(maxsize=10_000)
def _digest(field: str) -> bytes:
    return hashlib.blake2b(field.encode(), digest_size=6).digest()


def tantivy_document(entry: Entry) -> tantivy.Document:
    """One document as tantivy takes it."""
    document = tantivy.Document()
    document.add_text("key", entry.key)
    document.add_integer("hash", entry.hash)
    _add_keywords(document, entry.fields["keywords"])
    for term in (*_exact(entry.fields["keywords"]), _standing(entry.fields)):
        document.add_bytes(EXACT, term)
    _add_texts(document, entry.fields["texts"])
    _add_moments(document, entry.fields["moments"])
    for name, value in entry.fields["ngrams"].items():
        document.add_text(name, beginnings(value))
    for name, value in entry.fields["order"].items():
        document.add_text(order_field(name), value)
    _add_numbers(document, entry.fields["numbers"])
    _add_stored(document, entry)
    return document


def _add_keywords(document: tantivy.Document, keywords: dict[str, list[str]]) -> None:
    dynamic = {}
    for name, values in keywords.items():
        counted = name not in fields.UNCOUNTED
        if name not in fields.KEYWORDS:
            if counted:
                dynamic[name] = values
            continue
        before = "" if name in RANKED else mark(name)
        for value in values:
            if counted:
                document.add_text(name, value)
            if before:
                document.add_text(TERMS, before + value)
    if dynamic:
        document.add_json("kw", dynamic)


def _exact(keywords: dict[str, list[str]]) -> list[bytes]:
    found = []
    for name, values in keywords.items():
        if in_exact(name):
            found += [ranged(name, value) for value in values]
        if name in fields.UNCOUNTED:
            found.append(present(name))
    return found


def _standing(indexed: dict[str, Any]) -> bytes:
    """Which of the three marks of `visibility` a document has."""
    if visibility.is_closed(indexed["keywords"]):
        return closed()
    return dated() if visibility.FROM in indexed["moments"] else opened()


def _add_texts(document: tantivy.Document, texts: dict[str, str]) -> None:
    dynamic = {name: tokens for name, tokens in texts.items() if name not in TEXTS}
    for name in texts.keys() - dynamic.keys():
        document.add_text(name, texts[name])
    if dynamic:
        document.add_json("tx", dynamic)


def _add_moments(document: tantivy.Document, moments: dict[str, int]) -> None:
    dynamic = {name: moment for name, moment in moments.items() if name not in MOMENTS}
    for name in moments.keys() - dynamic.keys():
        document.add_integer(name, moments[name])
    if dynamic:
        document.add_json("at", dynamic)


def _add_numbers(document: tantivy.Document, numbers: dict[str, float]) -> None:
    dynamic = {name: float(number) for name, number in numbers.items() if name not in NUMBERS}
    for name in numbers.keys() - dynamic.keys():
        document.add_integer(name, int(numbers[name]))
    if dynamic:
        document.add_json("num", dynamic)


def _add_stored(document: tantivy.Document, entry: Entry) -> None:
    whole = entry.validated_data_dict
    document.add_bytes(_STORED_BYTES, packed(entry.stored, whole))
    if whole is not None:
        document.add_bytes(_PACKAGE_DICT_BYTES, packed(whole))


def stored_of(document: tantivy.Document, wanted: frozenset[str] | None) -> dict[str, Any]:
    """What the engine gives back of a document: all fields, or those wanted."""
    shown: dict[str, Any] = {"id": document.get_first("id")}
    if wanted == _ONLY_ID:
        return shown
    written = document.get_first(_PACKAGE_DICT_BYTES)
    whole = None if written is None else unpacked(written)
    if wanted is None or not wanted <= _BY_ITSELF:
        rest: Any = document.get_first(_STORED_BYTES)
        shown = orjson.loads(unpacked(rest, whole))
    if whole is not None:
        shown[PACKAGE_DICT] = whole
    return shown if wanted is None else {name: value for name, value in shown.items() if name in wanted}
