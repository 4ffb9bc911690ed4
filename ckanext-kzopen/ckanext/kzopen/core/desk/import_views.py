"""`/staff/import`: a table of staff is looked at, then imported."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.people import reads, roles, staff_import, staff_table
from ckanext.kzopen.core.people.levels.rules import rules
from ckanext.kzopen.core.people.staff_table import COLUMNS, StaffRow
from ckanext.kzopen.core.texts import LANGUAGES, in_language
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Response, request

SHOWN = 500
"""So many mistakes are listed; the rest show up when these are mended."""
LARGEST = 10 << 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

blueprint = pages("kzopen_staff_import")


@blueprint.route("/import", methods=["GET", "POST"])
def index() -> Page:
    """Choose a file; then how many rows are right, and what is wrong by row and column."""
    me = visitor()
    me.require(staff_import.RIGHT)
    values: dict[str, object] = {"error": "", "rows": None, "imports": staff_import.started_by(model.Session, me.id)}
    if request.method == "POST":
        try:
            kept, rows = staff_import.preview(model.Session, *_file(), by=me.id)
            model.Session.commit()
            reads.note(("email", "name"), without_account=len(rows))
            values |= {"number": kept.id, "rows": len(rows), "wrong": len(list(staff_table.wrong_rows(rows)))}
            values["mistakes"] = _mistakes(rows)
        except KzError as error:
            model.Session.rollback()
            values["error"] = error.text(request_language())
    return tk.render("people_staff/import.html", {"shown": SHOWN, **values})


@blueprint.post("/import/<uuid:number>")
def start(number: UUID) -> Page:
    """Import what was looked at."""
    me = visitor()
    me.require(staff_import.RIGHT)
    try:
        right_ones = request.form.get("right_ones") == "yes"
        count = staff_import.start(model.Session, number, me.id, right_ones=right_ones, address=request.remote_addr)
        model.Session.commit()
        tk.h.flash_success(tk.ungettext("{n} row is being imported.", "{n} rows are being imported.", count).format(n=count))
        return tk.redirect_to("kzopen_staff_import.show", number=number)
    except KzError as error:
        model.Session.rollback()
        if error.code == "web.not_found":
            raise
        tk.h.flash_error(error.text(request_language()))
    return tk.redirect_to("kzopen_staff_import.index")


@blueprint.get("/import/<uuid:number>")
def show(number: UUID) -> Page:
    """What became of each row of a table that I have imported."""
    me = visitor()
    me.require(staff_import.RIGHT)
    found, rows = staff_import.results(model.Session, number, me.id)
    asked = request.args.get("page", "")
    page = min(max(int(asked), 1) if asked.isdecimal() else 1, max(1, -(-len(rows) // SHOWN)))
    shown = rows[(page - 1) * SHOWN : page * SHOWN]
    reads.note(("email", "name"), without_account=sum(bool(row.email) for row in shown))
    language = request_language()
    told = {
        "found": found,
        "counts": Counter(row.outcome for row in rows),
        "rows": [(row, row.problem.text(language) if row.problem else "") for row in shown],
        "columns": COLUMNS,
        "page": page,
        "more": page * SHOWN < len(rows),
        "days": rules().keeping.staff_imported,
    }
    return tk.render("people_staff/imported.html", told)


@blueprint.get("/import/template.xlsx")
def template() -> Page:
    """The workbook to fill in, with headings in the reader's language."""
    visitor().require(staff_import.RIGHT)
    language = request_language() if request_language() in LANGUAGES else LANGUAGES[0]
    role = in_language(roles.known().roles["author"].label, language)
    content = staff_table.template(language, ("", "name@example.org", "000140000012", role, language))
    headers = {"Content-Disposition": 'attachment; filename="staff.xlsx"', "Cache-Control": "private"}
    return Response(content, content_type=XLSX, headers=headers)


def _file() -> tuple[bytes, str]:
    part = request.files.get("file")
    if part is None or not part.filename:
        raise KzError("roles.not_a_workbook")
    content = part.stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise KzError("web.too_large", limit=LARGEST)
    return content, part.filename


def _mistakes(rows: list[StaffRow]) -> list[tuple[int, str, str, str]]:
    """Row, column, what stands there, what is wrong: in the reader's language, the first SHOWN."""
    language = request_language()
    found = [
        (row.number, in_language(COLUMNS[column], language), str(getattr(row, column)), error.text(language))
        for row in staff_table.wrong_rows(rows)
        for column, error in row.errors
    ]
    return found[:SHOWN]
