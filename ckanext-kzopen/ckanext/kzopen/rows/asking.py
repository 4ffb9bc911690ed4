"""`q` of CKAN's `datastore_search` on a large table whose words are not indexed yet: the rows are looked through instead.

Found are the rows that contain all words of `q` as they are written, upper or lower case; once the words are in, CKAN finds
by the rules of the language and best first.
"""

from __future__ import annotations

import re
from typing import Any

from ckanext.datastore.backend.postgres import identifier
from ckanext.kzopen.rows import words

BY_WORDS = "_full_text @@"
WORD = re.compile(r"\w+")
AT_ONCE = 90
"""Functions of PostgreSQL take at most 100 arguments."""


def look_through(context: Any, data_dict: dict[str, Any], types: dict[str, str], query: dict[str, Any]) -> dict[str, Any]:
    """CKAN's query, with another condition instead of the one that needs indexed words, while they are not in."""
    where = query.get("where", [])
    if not any(clause[0].startswith(BY_WORDS) for clause in where):
        return query
    if words.are_in_table(context["connection"], data_dict["resource_id"]):
        return query
    kept = [clause for clause in where if not clause[0].startswith(BY_WORDS)]
    sort = [part for part in query.get("sort", []) if not part.startswith("ts_rank(_full_text")]
    return query | {"where": kept + contained(_asked(data_dict), types), "sort": sort or ["_id"]}


def _asked(data_dict: dict[str, Any]) -> list[str]:
    """The words that a row must contain; those for single columns are compared by CKAN with the columns themselves."""
    given = [data_dict.get("full_text"), data_dict.get("q")]
    return [word for text in given if isinstance(text, str) for word in WORD.findall(text)]


def contained(asked: list[str], types: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """A condition for each word, with the word as a bound parameter; wildcards in it stand for themselves."""
    names = [name for name in types if name != "_id" and types[name] != "tsvector" and not name.startswith("rank")]
    columns = [f"cast({identifier(name)} AS text)" for name in names]
    parts = [f"concat_ws(' ', {', '.join(columns[n : n + AT_ONCE])})" for n in range(0, len(columns), AT_ONCE)]
    whole = " || ' ' || ".join(parts) or "''"
    return [
        (f"{whole} ILIKE :kzopen_word_{n}", {f"kzopen_word_{n}": "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"})
        for n, word in enumerate(asked)
    ]
