"""A Table Schema as frictionless understands it, and how a file's labels find its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from re import error as re_error
from typing import Any

from ckanext.kzopen.validation.cells import Unreadable, normal
from frictionless import Field, FrictionlessException, Schema
from frictionless.errors import HeaderError
from frictionless.table.header import Header

Descriptor = Mapping[str, Any]
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"


def compiled(descriptor: Descriptor) -> Schema:
    """The schema, of version 2 when it does not say; Unreadable `schema-error` when it is not valid."""
    try:
        schema = Schema.from_descriptor({"$schema": PROFILE} | dict(descriptor))
        for field in schema.fields:
            field.create_cell_reader()
            _refuse_bounds(field)
    except FrictionlessException as error:
        notes = [reason.note for reason in error.reasons] or [error.error.note]
        raise Unreadable("schema-error", "", note="; ".join(notes)) from error
    except (ValueError, TypeError, ArithmeticError, re_error) as error:
        raise Unreadable("schema-error", "", note=str(error)) from error
    return schema


def _refuse_bounds(field: Field) -> None:
    """A bound that its own field cannot read would let frictionless fail on the first cell."""
    read = field.create_value_reader()
    for name in BOUNDS:
        wanted = field.constraints.get(name)
        if wanted is not None and name in field.supported_constraints and read(wanted) is None:
            raise ValueError(f'constraint "{name}" of field "{field.name}" is "{wanted}", which is no {field.type}')


def names_of(descriptor: Descriptor) -> dict[str, str]:
    """The field that a `normal` label means: by its name before all, else by one of its titles."""
    found: dict[str, str] = {}
    for field in descriptor["fields"]:
        for title in _titles(field):
            found.setdefault(normal(title), field["name"])
    for field in descriptor["fields"]:
        found[normal(field["name"])] = field["name"]
    return found


def _titles(field: Mapping[str, Any]) -> list[str]:
    translated = field.get("title_translated") or {}
    return [title for title in (field.get("title"), *translated.values()) if title]


def matched(labels: Sequence[str], descriptor: Descriptor) -> list[str]:
    """The labels with those that mean a field replaced by its name; an exact name is never given to another column."""
    exact = {field["name"] for field in descriptor["fields"]}
    taken = set(labels) & exact
    known = names_of(descriptor)
    result: list[str] = []
    for position, label in enumerate(labels):
        if label in labels[:position]:
            result.append(result[labels.index(label)])  # so that it is told as a repeated label
            continue
        name = label if label in exact else known.get(normal(label), label)
        if name != label and name in taken:
            name = label
        taken.add(name)
        result.append(name)
    return result


def header_of(labels: Sequence[str], schema: Schema, row: int) -> Header:
    """Compare labels with fields: by name in any order (or as the schema's own `fieldsMatch` says).

    Blank or repeated labels cannot be matched by name; then frictionless compares by position and names what is wrong.
    """
    by_name = len(set(labels)) == len(labels) and all(labels)
    declared = schema.fields_match if schema.has_defined("fields_match") else "equal"
    return Header(list(labels), fields=schema.fields, row_numbers=[row], fields_match=declared if by_name else "exact")


def fields_of(header: Header) -> list[Field]:
    """The field of each column of the file; a column that the schema does not know is of type `any`."""
    return header.get_expected_fields()


def header_errors(header: Header) -> list[HeaderError]:
    """What is wrong with the header, as frictionless tells it."""
    return list(header.errors)
