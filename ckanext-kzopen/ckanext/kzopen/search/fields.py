"""Which fields a document has and how each is read: CKAN's Solr schema as a table, with the changes told here.

Unlike Solr, `extras_*` and other short texts also keep their exact value, so a facet on them counts values, not stems.
"""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """How the values of a field are compared."""

    KEYWORD = "keyword"  # the whole value, letter by letter
    TEXT = "text"  # its words, analysed
    NGRAM = "ngram"  # any run of 2 to 10 letters, for suggestions while typing
    DATE = "date"
    NUMBER = "number"


KEYWORDS = frozenset(
    [
        "index_id",
        "id",
        "site_id",
        "entity_type",
        "dataset_type",
        "state",
        "name",
        "revision_id",
        "version",
        "url",
        "ckan_url",
        "download_url",
        "license",
        "license_id",
        "tags",
        "groups",
        "organization",
        "owner_org",
        "creator_user_id",
        "capacity",
        "permission_labels",
        "res_format",
        "res_url",
        "res_type",
        "title_string",
        "type",
        "private",
    ]
)
TEXTS = frozenset(
    [
        "title",
        "notes",
        "author",
        "author_email",
        "maintainer",
        "maintainer_email",
        "res_name",
        "res_description",
        "columns",
        "text",
        "urls",
        "depends_on",
        "dependency_of",
        "derives_from",
        "has_derivation",
        "links_to",
        "linked_from",
        "child_of",
        "parent_of",
    ]
)
NGRAMS = {"title_ngram": "title", "name_ngram": "name"}
DATES = frozenset({"metadata_created", "metadata_modified", "indexed_ts", "visible_from"})
NUMBERS = frozenset({"views_total", "views_recent", "resources_accessed_total", "resources_accessed_recent"})
TRANSLATED = ("title", "notes")
"""Texts that a schema may keep in several languages beside them, as `title_translated`."""
TEXT_PREFIXES = ("extras_", "res_extras_")

NOT_INDEXED = frozenset({"data_dict", "validated_data_dict", "_version_"})
NOT_STORED = frozenset({"permission_labels", "text", "urls", "title_string", "data_dict", "validated_data_dict"})

UNCOUNTED = frozenset(
    ["title", "res_name", "res_description", "columns", "urls", "url", "ckan_url", "download_url", "res_url"]
)
"""Fields whose whole values nobody counts, since nearly every document has others: a facet over them has no values. Columns of
such values would be a third of the work of indexing; titles are counted by `title_string`."""

SORTED_KEYWORDS = (
    "name",
    "title_string",
    "id",
    "index_id",
    "organization",
    "dataset_type",
    "license_id",
    "state",
    "version",
    "type",
)
"""Keyword fields that results can be ordered by; they hold at most one value."""

SCORE = "score"


def kind(field: str) -> Kind:
    """How the field is read; a name that the schema does not have is a keyword, as in CKAN's Solr schema."""
    if field in KEYWORDS:
        return Kind.KEYWORD
    if field in TEXTS or field.startswith(TEXT_PREFIXES):
        return Kind.TEXT
    if field in NGRAMS:
        return Kind.NGRAM
    if field in DATES or field.endswith("_date"):
        return Kind.DATE
    return Kind.NUMBER if field in NUMBERS else Kind.KEYWORD


_ALL_TEXT = frozenset(
    [
        "url",
        "ckan_url",
        "download_url",
        "res_url",
        "name",
        "title",
        "text",
        "license",
        "notes",
        "tags",
        "groups",
        "organization",
        "res_name",
        "res_description",
        "columns",
        "maintainer",
        "author",
    ]
)


def in_all_text(field: str) -> bool:
    """Whether the field's words are found by a search that names no field (Solr's copyField to `text`)."""
    return field in _ALL_TEXT or field.startswith((*TEXT_PREFIXES, "vocab_"))
