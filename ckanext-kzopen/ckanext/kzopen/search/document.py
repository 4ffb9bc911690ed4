"""A document in Solr's shape, as CKAN and its extensions build it → the fields of one index document.

An index document is what every engine gets, ready to be stored: exact values, tokens already analysed, moments and numbers.
It is kept in PostgreSQL beside the original, so that a rebuild analyses nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import orjson
from ckanext.kzopen.search import analysis, collation, dates, fields, visibility
from ckanext.kzopen.search.engines.base import Entry
from ckanext.kzopen.search.fields import Kind

LONGEST_KEYWORD = 4_000
"""Letters; a longer value is found by its words only (engines drop terms over 65,530 bytes without a word)."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TRANSLATED = "_translated"
_INEXACT = 2.0**63
"""Larger whole numbers orjson reads as floats."""
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True)
class IndexDocument:
    """What an engine indexes: by field name, exact values, joined tokens, moments (µs since 1970), numbers, order keys."""

    keywords: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    ngrams: dict[str, str] = field(default_factory=dict)
    moments: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    order: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """One row of the document table."""

    key: str
    site_id: str
    entity_type: str
    entity_id: str
    name: str | None
    stored: dict[str, Any]
    data_dict: str | None
    validated_data_dict: str | None
    fields: dict[str, Any]
    analysis: int
    hash: int

    def entry(self) -> Entry:
        """What the index takes of it."""
        stored, validated = json.dumps(self.stored, ensure_ascii=False), self.validated_data_dict
        return Entry(self.key, self.hash, self.fields, _utf8(stored), None if validated is None else _utf8(validated))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def key_of(entity_id: str, site_id: str) -> str:
    """The unique name of a document in the index, as CKAN computes its `index_id`."""
    return hashlib.md5(f"{entity_id}{site_id}".encode(), usedforsecurity=False).hexdigest()


def from_solr(given: Mapping[str, Any], site_id: str) -> Document:
    """The document to store for what CKAN would have sent to Solr."""
    source = {name: _storable(value) for name, value in given.items()}
    source[visibility.LABELS] = visibility.labels_of(source)
    site = str(source.get("site_id") or site_id)
    entity_id = str(source.get("id", ""))
    stored = stored_fields(source)
    indexed = dict(vars(index_fields(source)))
    data, validated = (PackageDict.of(source.get(name)) for name in ("data_dict", "validated_data_dict"))
    return Document(
        key=str(source.get("index_id") or key_of(entity_id, site)),
        site_id=site,
        entity_type=str(source.get("entity_type") or "package"),
        entity_id=entity_id,
        name=source.get("name"),
        stored=stored,
        data_dict=data.text,
        validated_data_dict=validated.text,
        fields=indexed,
        analysis=analysis.VERSION,
        hash=content_hash(stored, data.content, validated.content, indexed),
    )


def _storable(value: Any) -> Any:
    """Without what neither PostgreSQL nor UTF-8 can hold: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    return [_storable(one) for one in value] if isinstance(value, list | tuple) else value


def content_hash(*parts: Any) -> int:
    """63 bits of the content, the same for equal content whatever the order of its keys."""
    try:
        written = orjson.dumps(parts, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, a number of more than 64 bits
        written = json.dumps(parts, sort_keys=True, default=str).encode()
    return int.from_bytes(hashlib.blake2b(written, digest_size=8).digest()) >> 1


@dataclass(frozen=True)
class PackageDict:
    """A package dict as it is kept, and its content, which has one order whatever the order it was written in."""

    text: str | None
    content: Any

    @classmethod
    def of(cls, text: str | None) -> PackageDict:
        """The same JSON with letters instead of escapes: Cyrillic takes a third of the space.

        Left as it is when it holds what UTF-8 cannot (half a surrogate pair).
        """
        if not text:
            return cls(text, None)
        content, shorter = _read(text)
        if isinstance(content, dict) and isinstance(content.get("extras"), list):
            # PostgreSQL gives extras back in another order than they were written in.
            content["extras"].sort(key=lambda extra: str(extra.get("key")))
        return cls(shorter, content)


def _read(text: str) -> tuple[Any, str]:
    """What the JSON says, and the same JSON with letters instead of escapes."""
    escaped = "\\u" in text
    try:
        content = orjson.loads(text)
        if not (escaped and _inexact(content)):
            return content, orjson.dumps(content).decode() if escaped else text
    except orjson.JSONDecodeError:
        pass  # NaN, half a surrogate pair
    content = json.loads(text)
    shorter = json.dumps(content, ensure_ascii=False)
    return content, text if _UNSTORABLE.search(shorter) or not escaped else shorter


def _inexact(value: Any) -> bool:
    """Whether somewhere in it is a number that orjson may have rounded."""
    if isinstance(value, dict):
        return any(map(_inexact, value.values()))
    if isinstance(value, list):
        return any(map(_inexact, value))
    return isinstance(value, float) and abs(value) >= _INEXACT


def stored_fields(source: Mapping[str, Any]) -> dict[str, Any]:
    """What a search gives back of a document, but the two package dicts; moments as Solr writes them."""
    kept = {name: value for name, value in source.items() if name not in fields.NOT_STORED and value is not None}
    return {name: _shown(name, value) for name, value in kept.items()}


def _shown(name: str, value: Any) -> Any:
    if fields.kind(name) is Kind.DATE:
        moment = dates.of_value(value)
        return value if moment is None else _solr_time(moment)
    return value.isoformat() if isinstance(value, datetime | date) else value


def _solr_time(micros: int) -> str:
    """Milliseconds and a Z; no fraction when there is none."""
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    millis = micros % 1_000_000 // 1000
    return f"{moment}.{millis:03d}Z" if millis else f"{moment}Z"


def index_fields(source: Mapping[str, Any]) -> IndexDocument:
    """Every field by its kind, and the words of many of them together in `text`.

    They come by the names of the fields: PostgreSQL gives a package's extras in an order that a change of another one alters,
    and equal packages shall have equal documents.
    """
    document = IndexDocument()
    everything: list[str] = []
    line = cache(analysis.line)  # most values are needed twice: in their own field and in `text`
    for name, value in sorted(source.items()):
        values = _values(name, value)
        if not values or name in fields.NOT_INDEXED:
            continue
        _add(document, name, values, line)
        if fields.in_all_text(name):
            everything.extend(values)
    spelt = analysis.in_cyrillic(str(source.get("name") or ""))
    document.texts["text"] = analysis.joined(dict.fromkeys([*everything, spelt]), line)
    for name in fields.TRANSLATED:
        document.texts[name] = analysis.joined(_in_all_languages(source, name), line)
    for name, origin in fields.NGRAMS.items():
        document.ngrams[name] = "\n".join(_in_all_languages(source, origin))
    return document


def _in_all_languages(source: Mapping[str, Any], name: str) -> list[str]:
    """A text and its translations, each once."""
    translated = f"{name}{_TRANSLATED}"
    others = source.get(translated) or source.get(f"extras_{translated}")
    return list(dict.fromkeys([*_values(name, source.get(name)), *_values(translated, others)]))


def _values(name: str, value: Any) -> list[str]:
    """The values of a field as text, of a translated one in all its languages; nothing for what is empty or a structure."""
    if name.endswith(_TRANSLATED):
        value = _languages(value)
    many = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return [_written(one) for one in many if one not in (None, "") and not isinstance(one, dict | list)]


def _languages(value: Any) -> list[Any]:
    """The texts of `{"kk": …, "ru": …}`, which CKAN keeps as JSON in an extra; anything else is itself."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    return list(value.values()) if isinstance(value, dict) else [value]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _add(document: IndexDocument, name: str, values: list[str], line: Callable[[str], str]) -> None:
    kind = fields.kind(name)
    if kind is Kind.DATE:
        moment = dates.of_value(values[0])
        if moment is not None:
            document.moments[name] = moment
        return
    if kind is Kind.TEXT and name != "text":
        document.texts[name] = analysis.joined(values, line)
    exact = [value for value in dict.fromkeys(values) if len(value) <= LONGEST_KEYWORD]
    if exact and name not in ("notes", "text", "urls"):
        document.keywords[name] = exact
    number = _number(values)
    if number is not None:
        document.numbers[name] = number
    if name in fields.SORTED_KEYWORDS:
        document.order[name] = collation.sort_key(values[0])


def _number(values: list[str]) -> float | None:
    """A single value that is a number can be asked for by range."""
    return float(values[0]) if len(values) == 1 and _NUMBER.fullmatch(values[0]) else None
