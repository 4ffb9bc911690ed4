"""From frictionless's errors, and from files that cannot be read, to findings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from ckanext.kzopen.validation.cells import Unreadable
from ckanext.kzopen.validation.listing import RowError
from ckanext.kzopen.validation.report import Finding
from frictionless import Error, Field, errors

EXAMPLE = datetime(2026, 1, 31, 14, 30)
CONSTRAINT = re.compile(r'constraint "(\w+)" is "(.*)"', re.DOTALL)
OTHER_ROW = re.compile(r"position (\d+)")
BY_CODE = {
    cls.type: cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Error) and cls is not Error
}


def from_error(error: Error | RowError, fields: Mapping[str, Field]) -> Finding:
    """The finding that tells what frictionless found; `fields` by name give examples of what is expected."""
    reason, params = _details(error, fields)
    return Finding(
        code=error.type,
        message=error.message,
        note=error.note,
        reason=reason,
        row=getattr(error, "row_number", None),
        field=getattr(error, "field_name", None) or None,
        number=getattr(error, "field_number", None),
        cell=getattr(error, "cell", None),
        label=getattr(error, "label", None),
        params=params,
    )


def _details(error: Error | RowError, fields: Mapping[str, Field]) -> tuple[str, dict[str, str]]:
    if error.type == errors.TypeError.type:
        field = fields[getattr(error, "field_name", "")]
        return field.type, {"type": field.type, "example": example(field)}
    if error.type == errors.ConstraintError.type:
        found = CONSTRAINT.search(error.note)
        return (found[1], {"limit": found[2]}) if found else ("", {})
    if error.type == errors.PrimaryKeyError.type and "None" in error.note:
        return "empty", {}
    if error.type in (errors.UniqueError.type, errors.PrimaryKeyError.type):
        found = OTHER_ROW.search(error.note)
        return "", {"other": found[1]} if found else {}
    return "", {"note": error.note} if error.note else {}


def example(field: Field) -> str:
    """A value that the field takes, for people who must correct one."""
    match field.type:
        case "date":
            return EXAMPLE.strftime(field.format if "%" in field.format else "%Y-%m-%d")
        case "datetime":
            return EXAMPLE.strftime(field.format if "%" in field.format else "%Y-%m-%dT%H:%M:%S")
        case "number":
            return f"1250{getattr(field, 'decimal_char', '.')}75"
        case "boolean":
            return f"{field.true_values[0]} / {field.false_values[0]}"  # type: ignore[attr-defined]
    return ""


def from_refusal(refusal: Unreadable) -> Finding:
    """The finding that tells why a file cannot be read at all."""
    note = refusal.params.get("note") or ", ".join([refusal.reason, *(f"{k}={v}" for k, v in refusal.params.items())])
    row = refusal.params.get("row")
    template = BY_CODE[refusal.code].template if refusal.code in BY_CODE else "{note}"
    return Finding(
        code=refusal.code,
        message=template.format(note=note),
        note=note,
        reason=refusal.reason,
        row=int(row) if row else None,
        params=refusal.params,
    )
