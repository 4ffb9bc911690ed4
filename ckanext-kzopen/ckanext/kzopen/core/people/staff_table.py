"""The table of staff that an agency sends: an XLSX file read into rows, each with what is wrong in it by column. Pure.

Columns are found by their headings in any language and any order. 7,788 rows are read and checked in about a second.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zipfile import BadZipFile

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.texts import LANGUAGES, Words, primary
from ckanext.kzopen.core.web.errors import KzError

COLUMNS: Mapping[str, Words] = {
    "name": {"kk": "Аты-жөні", "ru": "ФИО", "en": "Name"},
    "email": {"kk": "Электрондық пошта", "ru": "Электронная почта", "en": "E-mail"},
    "agency": {
        "kk": "Орган (БСН, коды немесе атауы)",
        "ru": "Орган (БИН, код или название)",
        "en": "Agency (BIN, code or name)",
    },
    "role": {"kk": "Рөлі", "ru": "Роль", "en": "Role"},
    "language": {"kk": "Тілі", "ru": "Язык", "en": "Language"},
}
MOST_ROWS = 20_000
LANGUAGE_NAMES = {"қазақша": "kk", "казахский": "kk", "kazakh": "kk", "русский": "ru", "орысша": "ru", "russian": "ru"} | {
    "english": "en",
    "английский": "en",
    "ағылшынша": "en",
}
Find = Callable[[str], str | None]


@dataclass
class StaffRow:
    """One line of the table as it was read; `number` is its row in the sheet, `agency_id` what `agency` means."""

    number: int
    name: str
    email: str
    agency: str
    role: str
    language: str
    agency_id: str | None = None
    errors: list[tuple[str, KzError]] = field(default_factory=list)

    def wrong(self, column: str, code: str, **params: object) -> None:
        self.errors.append((column, KzError(code, **params)))


def read(content: bytes) -> list[StaffRow]:
    """The rows of the first sheet without empty lines.

    Raises KzError roles.not_a_workbook, roles.no_columns, roles.too_many_rows, roles.no_rows.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        lines = sheet.to_python(skip_empty_area=False)
    except (CalamineError, BadZipFile, IndexError, ValueError) as error:
        raise KzError("roles.not_a_workbook") from error
    places = _places([str(cell) for cell in lines[0]] if lines else [])
    if len(lines) > MOST_ROWS + 1:
        raise KzError("roles.too_many_rows", most=MOST_ROWS)
    rows = [_row(number, line, places) for number, line in enumerate(lines[1:], 2) if any(str(cell).strip() for cell in line)]
    if not rows:
        raise KzError("roles.no_rows")
    return rows


def check(rows: list[StaffRow], find: Find, may_import: Callable[[str], bool]) -> None:
    """Note in each row what is wrong; `find` knows agencies, `may_import` says for which of them rows are taken."""
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        _check_person(row)
        _check_place(row, find, may_import)
        key = (mail.addresses.same(row.email), row.role, row.agency_id or row.agency)
        if row.email and (first := seen.setdefault(key, row.number)) != row.number:
            row.wrong("email", "roles.twice_in_the_table", row=str(first))


def template(language: str, example: tuple[str, ...]) -> bytes:
    """An empty workbook with the headings in `language`, one line as an example, and a sheet with the roles."""
    import xlsxwriter

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("staff")
        sheet.write_row(0, 0, [words[language] for words in COLUMNS.values()], bold)  # type: ignore[literal-required]
        sheet.write_row(1, 0, example)
        sheet.set_column(0, 4, 32)
        allowed = [role.label[language] for role in roles.known().roles.values()]  # type: ignore[literal-required]
        sheet.data_validation(1, 3, MOST_ROWS, 3, {"validate": "list", "source": allowed})
        sheet.data_validation(1, 4, MOST_ROWS, 4, {"validate": "list", "source": list(LANGUAGES)})
    return target.getvalue()


def _places(headings: list[str]) -> dict[str, int]:
    known = {_plain(text): name for name, words in COLUMNS.items() for text in (name, *map(str, words.values()))}
    places = {known[_plain(text)]: number for number, text in enumerate(headings) if _plain(text) in known}
    missing = [words for name, words in COLUMNS.items() if name not in places]
    if missing:
        raise KzError("roles.no_columns", column=missing[0])
    return places


def _row(number: int, line: Sequence[object], places: Mapping[str, int]) -> StaffRow:
    cells = {name: _text(line[place]) if place < len(line) else "" for name, place in places.items()}
    role, language = _role(cells["role"]), _language(cells["language"])
    return StaffRow(number, cells["name"], cells["email"], cells["agency"], role, language)


def _text(cell: object) -> str:
    """A BIN that the workbook holds as a number is told with its leading zeros."""
    if isinstance(cell, float) and cell.is_integer():
        return f"{int(cell):012d}" if cell >= 1_000_000 else str(int(cell))
    return " ".join(str(cell).split())


def _role(text: str) -> str:
    """The role's name by its name or by its label in any language; else the text as it is."""
    wanted = _plain(text)
    return next((n for n, role in roles.known().roles.items() if wanted in _called(n, role.label)), text)


def _called(name: str, label: Words) -> set[str]:
    return {name, name.replace("_", " "), *(_plain(str(text)) for text in label.values())}


def _language(text: str) -> str:
    wanted = _plain(text)
    return LANGUAGE_NAMES.get(wanted) or primary(wanted)


def _check_person(row: StaffRow) -> None:
    if not 2 <= len(row.name) <= 100:
        row.wrong("name", "roles.name_wanted")
    try:
        mail.checked(row.email)
    except KzError as error:
        row.errors.append(("email", error))
    if row.language not in LANGUAGES:
        row.wrong("language", "roles.wrong_language", languages=", ".join(LANGUAGES))


def _check_place(row: StaffRow, find: Find, may_import: Callable[[str], bool]) -> None:
    role = roles.known().roles.get(row.role)
    if role is None:
        row.wrong("role", "roles.unknown_role", role=row.role)
    row.agency_id = find(row.agency) if row.agency else None
    if row.agency and row.agency_id is None:
        row.wrong("agency", "roles.unknown_agency", agency=row.agency)
    elif role is not None and role.agency and not row.agency:
        row.wrong("agency", "roles.needs_agency", role=role.label)
    elif role is not None and not role.agency and row.agency:
        row.wrong("agency", "roles.takes_no_agency", role=role.label)
    elif not may_import(row.agency_id or ""):
        row.wrong("agency", "roles.not_your_agency")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def wrong_rows(rows: list[StaffRow]) -> Iterator[StaffRow]:
    return (row for row in rows if row.errors)
