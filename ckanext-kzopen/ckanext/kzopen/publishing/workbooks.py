"""Workbooks that the staff takes away: an empty one to be filled in, and a sent one with what is wrong marked in it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_READY = 10_000
LONGEST_LIST = 250
LONGEST_PROMPT = 255  # of Excel
WIDEST, NARROWEST = 45, 12
FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEAD = PatternFill("solid", start_color="FFE8F1F8")
NEEDED = PatternFill("solid", start_color="FFFFF3D6")
WRONG = PatternFill("solid", start_color="FFFBD9D3")
MENDED = PatternFill("solid", start_color="FFDDF3E0")
BOLD = Font(bold=True)
SHEETS: dict[str, dict[str, str]] = {
    "table": {"kk": "Кесте", "ru": "Таблица", "en": "Table"},
    "columns": {"kk": "Бағандар", "ru": "Столбцы", "en": "Columns"},
    "lists": {"kk": "Тізімдер", "ru": "Списки", "en": "Lists"},
}
WORDS: dict[str, dict[str, str]] = {
    "column": {"kk": "Баған", "ru": "Столбец", "en": "Column"},
    "kk": {"kk": "Қазақша", "ru": "По-казахски", "en": "In Kazakh"},
    "ru": {"kk": "Орысша", "ru": "По-русски", "en": "In Russian"},
    "type": {"kk": "Не жазылады", "ru": "Что пишут", "en": "What to write"},
    "needed": {"kk": "Міндетті", "ru": "Обязательно", "en": "Required"},
    "example": {"kk": "Мысал", "ru": "Пример", "en": "Example"},
    "yes": {"kk": "иә", "ru": "да", "en": "yes"},
    "from_list": {"kk": "Тізімнен таңдаңыз", "ru": "Выберите из списка", "en": "Choose from the list"},
    "where": {
        "kk": "Толтырылған жол қандай болатыны «Мысал» парағында көрсетілген; портал тек «Кесте» парағын оқиды.",
        "ru": "Как выглядит заполненная строка, показано на листе «Пример»; портал читает только лист «Таблица».",
        "en": "The sheet “Example” shows how a row is filled in; the portal reads the sheet “Table” only.",
    },
}
FORMATS = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss", "string": "@", "integer": "0", "year": "0"}
EXAMPLES: dict[str, Any] = {
    "integer": 125, "number": 1250.75, "boolean": "true", "date": date(2026, 1, 31), "datetime": datetime(2026, 1, 31, 14, 30),
    "time": "14:30:00", "year": 2026, "geopoint": "51.128, 71.43",
}  # fmt: skip


def template(schema: Mapping[str, Any], types: Mapping[str, Any], language: str) -> bytes:
    """An XLSX to be filled in: headers in the reader's language with a hint each, lists to choose from, a sheet that tells the
    columns and one with an example row. The portal recognises the headers in any language.

    The example lies on a sheet of its own, which is not read: left in the table it would be published.
    """
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101 (a new workbook has one)
    sheet.title = SHEETS["table"][language]
    lists = book.create_sheet(SHEETS["lists"][language])
    for n, field in enumerate(schema["fields"], start=1):
        _column(sheet, lists, n, field, types, language)
    sheet.freeze_panes = "A2"
    _told(book.create_sheet(SHEETS["columns"][language]), schema["fields"], types, language)
    _example(book.create_sheet(WORDS["example"][language]), schema["fields"], language)
    if lists.max_row == 1 and lists.max_column == 1 and lists["A1"].value is None:
        book.remove(lists)
    else:
        lists.sheet_state = "hidden"
    return _bytes(book)


def _column(
    sheet: Worksheet, lists: Worksheet, n: int, field: Mapping[str, Any], types: Mapping[str, Any], language: str
) -> None:
    head = sheet.cell(1, n, title_of(field, language))
    head.font, head.fill = BOLD, NEEDED if _needed(field) else HEAD
    head.alignment = Alignment(wrap_text=True, vertical="top")
    head.comment = Comment(hint(field, types, language), "kzopen", width=320, height=140)
    letter = get_column_letter(n)
    sheet.column_dimensions[letter].width = min(WIDEST, max(NARROWEST, len(str(head.value)) + 2))
    form = FORMATS.get(field.get("type", "string"))
    if form:  # whole columns, so that leading zeros of codes stay and days are days
        for row in range(2, ROWS_READY // 100):
            sheet.cell(row, n).number_format = form
        sheet.column_dimensions[letter].number_format = form
    values = _choices(field)
    rule = _list(lists, n, values) if values else DataValidation(allow_blank=True)
    advice = [WORDS["from_list"][language]] if values else []
    rule.prompt = "\n".join([*advice, hint(field, types, language)])[:LONGEST_PROMPT]
    rule.showInputMessage = True
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{ROWS_READY}")


def _list(lists: Worksheet, n: int, values: Sequence[str]) -> DataValidation:
    """A drop-down list; its values lie on a sheet of their own, since a list inside the rule may have 255 letters only."""
    column = n if lists["A1"].value is not None else 1
    while lists.cell(1, column).value is not None:
        column += 1
    for row, value in enumerate(values, start=1):
        lists.cell(row, column, safe(value))
    letter = get_column_letter(column)
    rule = DataValidation(type="list", formula1=f"'{lists.title}'!${letter}$1:${letter}${len(values)}", allow_blank=True)
    rule.showErrorMessage = True
    return rule


def _choices(field: Mapping[str, Any]) -> list[str]:
    values = (field.get("constraints") or {}).get("enum") or []
    if field.get("type") == "boolean":
        values = [*(field.get("trueValues") or ["true"])[:1], *(field.get("falseValues") or ["false"])[:1]]
    return [str(value) for value in values[:LONGEST_LIST]]


def _needed(field: Mapping[str, Any]) -> bool:
    return bool((field.get("constraints") or {}).get("required"))


def title_of(field: Mapping[str, Any], language: str) -> str:
    """What people call the column: in their language, else in Kazakh or Russian, else its name."""
    titles = field.get("title_translated") or {}
    return str(titles.get(language) or titles.get("kk") or titles.get("ru") or field.get("title") or field["name"])


def hint(field: Mapping[str, Any], types: Mapping[str, Any], language: str) -> str:
    """What is to be written into a column."""
    kind = field.get("type", "string")
    lines = [types[kind][language] if kind in types else kind]
    description = (field.get("description_translated") or {}).get(language) or field.get("description")
    lines += [str(description)] if description else []
    lines += [f"{WORDS['needed'][language]}"] if _needed(field) else []
    lines += [f"{WORDS['example'][language]}: {_shown(example_of(field))}"]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def example_of(field: Mapping[str, Any]) -> Any:
    """A value that the column takes."""
    constraints = field.get("constraints") or {}
    if field.get("example") is not None:
        return safe(field["example"])
    if choices := _choices(field):
        return safe(choices[0])
    kind = field.get("type", "string")
    if kind == "string":
        return _code(str(constraints.get("pattern", ""))) or "…"
    form = str(field.get("format") or "")
    if kind == "time" and "%" in form:  # a time is a text here, days and moments are cells of their own kind
        return time.fromisoformat(EXAMPLES["time"]).strftime(form)
    least = constraints.get("minimum")
    return least if kind in ("integer", "number") and isinstance(least, int | float) and least > 0 else EXAMPLES.get(kind, "…")


def _code(pattern: str) -> str:
    """Digits for a pattern that asks for some of them."""
    for sign in (r"\d{", "[0-9]{"):
        if (
            pattern.startswith(sign)
            and pattern.rstrip("$").endswith("}")
            and pattern[len(sign) : pattern.index("}")].isdigit()
        ):
            return "0123456789".ljust(int(pattern[len(sign) : pattern.index("}")]), "0")[
                : int(pattern[len(sign) : pattern.index("}")])
            ]
    return ""


def _told(sheet: Worksheet, fields: Sequence[Mapping[str, Any]], types: Mapping[str, Any], language: str) -> None:
    sheet.append([WORDS[name][language] for name in ("column", "kk", "ru", "type", "needed", "example")])
    for field in fields:
        titles = field.get("title_translated") or {}
        kind = field.get("type", "string")
        told = types[kind][language] if kind in types else kind
        needed = WORDS["yes"][language] if _needed(field) else ""
        sheet.append(
            [
                safe(v)
                for v in (field["name"], titles.get("kk", ""), titles.get("ru", ""), told, needed, _shown(example_of(field)))
            ]
        )
    sheet.append([])
    sheet.append([WORDS["where"][language]])
    for cell in sheet[1]:
        cell.font, cell.fill = BOLD, HEAD
    for letter, width in zip("ABCDEF", (24, 30, 30, 24, 12, 24), strict=True):
        sheet.column_dimensions[letter].width = width


def _example(sheet: Worksheet, fields: Sequence[Mapping[str, Any]], language: str) -> None:
    """How the table looks when a row is filled in; its labels are no labels of the schema, so that this sheet is never taken
    for the table, whatever somebody deletes from that."""
    for n, field in enumerate(fields, start=1):
        head = sheet.cell(1, n, f"{WORDS['example'][language]}: {title_of(field, language)}")
        cell = sheet.cell(2, n, example_of(field))
        head.font, head.fill = BOLD, NEEDED if _needed(field) else HEAD
        cell.font, cell.number_format = Font(italic=True), FORMATS.get(field.get("type", "string"), "General")
        sheet.column_dimensions[get_column_letter(n)].width = min(WIDEST, max(NARROWEST, len(str(head.value)) + 2))


def safe(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def marked(
    labels: Sequence[str],
    rows: Iterator[tuple[int, Sequence[str]]],
    notes: Mapping[tuple[int, int], str],
    mended: Mapping[int, set[int]],
) -> bytes:
    """An XLSX of the rows as they are after the repairs: cells that are still wrong are red and say why, columns whose cells
    were mended are green. `notes` by number of the row in the sent file and position of the column, row 0 being the header."""
    book = Workbook(write_only=False)
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101
    for n, label in enumerate(labels, start=1):
        cell = sheet.cell(1, n, safe(label))
        cell.font, cell.fill = BOLD, MENDED if n in mended else HEAD
        if (0, n) in notes:
            cell.fill, cell.comment = WRONG, Comment(notes[0, n], "kzopen", width=320, height=120)
        sheet.column_dimensions[get_column_letter(n)].width = min(WIDEST, max(NARROWEST, len(label) + 2))
    for place, (number, row) in enumerate(rows, start=2):
        for n, text in enumerate(row, start=1):
            cell = sheet.cell(place, n)
            cell.value, cell.number_format, cell.data_type = text, "@", "s"
            if (number, n) in notes:
                cell.fill, cell.comment = WRONG, Comment(notes[number, n], "kzopen", width=320, height=120)
    sheet.freeze_panes = "A2"
    return _bytes(book)


def _bytes(book: Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
