"""Which keys of an order make a difference, for every engine."""

from __future__ import annotations

from ckanext.kzopen.search import fields
from ckanext.kzopen.search.engines.base import Search, Sort
from ckanext.kzopen.search.fields import Kind
from ckanext.kzopen.search.tree import All, And, Node, Not, OneOf, Range, Term

_DEFAULT = (Sort(fields.SCORE, True),)


def effective(search: Search) -> tuple[Sort, ...]:
    """The keys to order by, without fields that cannot be ordered by, as CKAN's pages expect, and a score that all share."""
    alike = constant(search.query)
    return tuple(key for key in search.sort or _DEFAULT if sortable(key.field) and not (key.field == fields.SCORE and alike))


def sortable(field: str) -> bool:
    """Whether hits can be ordered by the field."""
    return field == fields.SCORE or field in fields.SORTED_KEYWORDS or field in fields.DATES or field in fields.NUMBERS


def constant(query: Node) -> bool:
    """Whether all hits have the same score."""
    match query:
        case All() | Range() | OneOf() | Not():
            return True
        case Term(field, _value):
            return fields.kind(field) is Kind.KEYWORD
        case And(children):
            return all(constant(child) for child in children)
        case _:
            return False


def by_one_stored_key(search: Search) -> bool:
    """Whether the order follows one field, so that pages as deep as one likes cost little."""
    keys = effective(search)
    return len(keys) == 0 or (len(keys) == 1 and keys[0].field != fields.SCORE)
