"""From a wrong file to a published table without a manual: repairs accepted with a click and remembered, the corrected
file, the empty template. Cells of hostile files stay texts everywhere."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import Agency, Api, passport
from tests.publishing.test_staff_pages import Browser, page, settled_page, upload, words

FIELDS: list[dict[str, Any]] = [
    {
        "name": "bin",
        "type": "string",
        "title_translated": {"kk": "БСН", "ru": "БИН", "en": "BIN"},
        "constraints": {"required": True, "pattern": "[0-9]{12}"},
    },
    {"name": "name", "type": "string", "title_translated": {"kk": "Атауы", "ru": "Наименование"}},
    {
        "name": "kind",
        "type": "string",
        "title_translated": {"kk": "Түрі", "ru": "Вид"},
        "constraints": {"enum": ["мектеп", "лицей"]},
    },
    {"name": "sum", "type": "number", "title_translated": {"kk": "Сомасы", "ru": "Сумма"}},
    {"name": "day", "type": "date", "title_translated": {"kk": "Күні", "ru": "Дата"}},
]
MESSY = (
    "БСН;Атауы;Түрі;Сомасы;Күні\n"
    "140000012;Hово мектебі;мектеп;1 250,75;31.01.2026\n"
    "990240000415;Лицей;лицей;12 000;01.02.2026\n"
    "Барлығы;;;13 250,75;\n"
).encode()
ALL = ["zeros:bin", "letters:name", "number:sum", "date:day", "totals:"]


@pytest.fixture
def staff(app: CKANTestApp, agency: Agency) -> Browser:
    """A browser in which the agency's editor is signed in."""
    return Browser(app, agency.user)


@pytest.fixture
def schools(api: Api, agency: Agency) -> str:
    """A data set of five columns with titles, without rows yet."""
    name = f"repaired-{uuid4().hex[:10]}"
    answer = api.put(name, passport(agency.name, fields=FIELDS, key=["bin"]))
    assert answer.status_code == 201, answer.json
    return name


def offers(soup: Any) -> set[str]:
    return {button["value"] for button in soup.select("button[name=repair]")}


def accept(staff: Browser, address: str, *repairs: str) -> str:
    answer = staff.post(f"{address}/repairs", data={"repair": list(repairs)})
    assert answer.status_code == 302, answer.data[:500]
    return str(answer.headers["Location"])


def test_a_messy_file_is_mended_with_one_click_published_and_the_next_one_by_itself(
    staff: Browser,
    api: Api,
    schools: str,
) -> None:
    first = upload(staff, schools, MESSY, "/kk")
    soup = settled_page(staff, first)
    assert soup.select_one(".state-refused") is not None
    assert offers(soup) == set(ALL)

    second = accept(staff, first, *ALL)
    mended = settled_page(staff, second)
    assert mended.select_one(".state-awaiting_approval") is not None, mended.get_text()[:2000]
    assert len(mended.select("#mended-heading ~ ul .repair")) == len(ALL)
    staff.post(f"{second}/publish")
    assert settled_page(staff, second).select_one(".state-accepted") is not None

    rows = api.get(f"/datasets/{schools}").json["version"]["rows"]
    assert rows == 2
    sent = api.delivery(schools, MESSY)
    assert sent["state"] == "accepted", sent


def test_an_encoding_is_chosen_by_its_words_and_remembered_until_another_is(staff: Browser, api: Api, schools: str) -> None:
    unknown = "bin;name;kind;sum;day\n000140000012;ЖШС;;1;2026-01-31\n".encode("cp1251")
    first = upload(staff, schools, unknown, "/kk")
    soup = settled_page(staff, first)
    assert offers(soup) == {"encoding:windows-1251", "encoding:ibm866", "encoding:windows-1252"}
    assert "ЖШС" in soup.select_one(".repairs").get_text()
    assert soup.select(".repairs button.btn-primary") == []  # one of them is to be chosen, not all

    wrong = settled_page(staff, accept(staff, first, "encoding:ibm866"))
    assert wrong.select_one(".state-awaiting_approval") is not None
    assert "╞╪╤" in wrong.get_text()

    right = accept(staff, first, "encoding:windows-1251")
    assert "ЖШС" in settled_page(staff, right).select_one("table.marked").get_text()
    shown = page(staff.get(f"/staff/datasets/{schools}"))
    assert {button["value"] for button in shown.select("button[name=repair]")} == {"encoding:windows-1251"}
    assert api.delivery(schools, unknown)["state"] == "accepted"
    stored = staff.get(f"/data/{schools}.csv?raw=1").get_data(as_text=True)
    assert stored.splitlines()[1].startswith('"000140000012","ЖШС",')


def test_a_consent_can_be_taken_back(staff: Browser, schools: str) -> None:
    accept(staff, upload(staff, schools, MESSY), *ALL)
    shown = page(staff.get(f"/staff/datasets/{schools}"))
    assert {button["value"] for button in shown.select("button[name=repair]")} == set(ALL)

    staff.post(f"/staff/datasets/{schools}/repairs/forget", data={"repair": "number:sum"})

    again = settled_page(staff, upload(staff, schools, MESSY))
    assert again.select_one(".state-refused") is not None
    assert offers(again) == {"number:sum"}


KEYS = (
    "БСН;Атауы;Түрі;Сомасы;Күні\n"
    "140000012;Лицей;лицей;1;2026-01-31\n"
    "990240000415;Мектеп;мектеп;1 200;2026-01-31\n"
    "990240000415;Гимназия;мектеп;1 300;2026-01-31\n"
    "15064002111;Колледж;лицей;1;2026-01-31\n"
).encode()


def test_what_loses_rows_or_guesses_digits_is_not_mended_with_all_the_rest(staff: Browser, schools: str) -> None:
    soup = settled_page(staff, upload(staff, schools, KEYS, "/kk"))

    assert {field["value"] for field in soup.select("input[name=repair]")} == {"zeros:bin", "number:sum"}
    singly = soup.select_one("[aria-labelledby=singly-heading]")
    assert offers(singly) == {"repeated-keys:", "short-codes:bin"}
    assert "басқа мекеменің деректері" in singly.get_text()
    assert "тек осы файлда" in singly.get_text()


def test_what_loses_rows_or_guesses_digits_is_done_in_one_file_and_not_remembered(
    staff: Browser, api: Api, schools: str
) -> None:
    second = accept(staff, upload(staff, schools, KEYS), "repeated-keys:")
    assert offers(settled_page(staff, second)) == {"zeros:bin", "number:sum", "short-codes:bin"}
    third = accept(staff, second, "zeros:bin", "number:sum")
    assert offers(settled_page(staff, third)) == {"short-codes:bin"}
    fourth = accept(staff, third, "short-codes:bin")
    assert settled_page(staff, fourth).select_one(".state-awaiting_approval") is not None
    shown = page(staff.get(f"/staff/datasets/{schools}"))
    assert {button["value"] for button in shown.select("button[name=repair]")} == {"zeros:bin", "number:sum"}

    staff.post(f"{fourth}/publish")
    assert settled_page(staff, fourth).select_one(".state-accepted") is not None
    stored = staff.get(f"/data/{schools}.csv?raw=1").get_data(as_text=True).splitlines()[1:]
    assert [line.split(",")[:2] for line in stored] == [
        ['"000140000012"', '"Лицей"'],
        ['"990240000415"', '"Гимназия"'],
        ['"015064002111"', '"Колледж"'],
    ]
    again = settled_page(staff, upload(staff, schools, KEYS))
    assert again.select_one(".state-refused") is not None
    assert offers(again) == {"repeated-keys:", "short-codes:bin"}


def test_the_corrected_file_loses_nothing_that_was_not_accepted(staff: Browser, schools: str) -> None:
    address = upload(staff, schools, KEYS, "/kk")
    settled_page(staff, address)

    rows, wrong = corrected(staff, address)
    assert rows[0][:4] == ["000140000012", "Лицей", "лицей", "1"]
    assert [row[0] for row in rows[1:]] == ["990240000415", "990240000415", "15064002111"]
    assert [row[3] for row in rows[1:3]] == ["1200", "1300"]
    assert wrong == {"A4", "A5"}

    second = accept(staff, address, "repeated-keys:")
    settled_page(staff, second)
    rows, wrong = corrected(staff, second)
    assert [row[1] for row in rows] == ["Лицей", "Гимназия", "Колледж"]
    assert wrong == {"A4"}


def corrected(staff: Browser, address: str) -> tuple[list[list[Any]], set[str]]:
    """The rows of the corrected file without the header, and the cells that are marked as wrong in it."""
    rows = list(openpyxl.load_workbook(io.BytesIO(staff.get(f"{address}/corrected.xlsx").data)).active.iter_rows())
    return [[cell.value for cell in row] for row in rows[1:]], {
        cell.coordinate for row in rows for cell in row if cell.comment
    }


def test_what_was_not_offered_cannot_be_accepted(staff: Browser, schools: str) -> None:
    address = upload(staff, schools, MESSY)
    settled_page(staff, address)

    answer = staff.post(f"{address}/repairs", data={"repair": ["repeats:", "spaces:bin", "owner_org:x"]})

    assert answer.headers["Location"].endswith(address.rsplit("/", 1)[1])
    assert page(staff.get(f"/staff/datasets/{schools}")).select("button[name=repair]") == []


def test_wrong_cells_are_marked_beside_their_rows(staff: Browser, schools: str) -> None:
    soup = settled_page(staff, upload(staff, schools, MESSY, "/kk"))

    table = soup.select_one("table.marked")
    assert [head.get_text() for head in table.select("thead th")] == ["Жол", "БСН", "Атауы", "Түрі", "Сомасы", "Күні"]
    first = table.select_one("tbody tr")
    assert [cell.get_text().removeprefix("қате: ") for cell in first.select("td.wrong")] == [
        "140000012",
        "1 250,75",
        "31.01.2026",
    ]
    assert "2-жол" in table.select_one("tr.why").get_text()


def test_a_right_file_is_previewed_before_it_is_published(staff: Browser, schools: str) -> None:
    soup = settled_page(
        staff, upload(staff, schools, "bin,name,kind,sum,day\n000140000012,Лицей,лицей,1,2026-01-31\n".encode())
    )

    assert words(soup, "table.marked tbody tr") == "2 000140000012 Лицей лицей 1 2026-01-31"


def test_the_corrected_file_is_mended_and_marks_what_only_a_person_can_correct(staff: Browser, schools: str) -> None:
    wrong_row, total = "150640021112;Колледж;колледж;5;2026-02-30\n".encode(), "Барлығы".encode()
    body = MESSY.replace(total, wrong_row + total)
    address = upload(staff, schools, body, "/kk")
    settled_page(staff, address)

    book = openpyxl.load_workbook(io.BytesIO(staff.get(f"{address}/corrected.xlsx").data))

    rows = list(book.active.iter_rows())
    assert [cell.value for cell in rows[1]] == ["000140000012", "Ново мектебі", "мектеп", "1250.75", "2026-01-31"]
    wrong = {cell.coordinate: cell.comment.text for row in rows for cell in row if cell.comment}
    assert set(wrong) == {"C4", "E4"}
    assert "колледж" in wrong["C4"]

    rows[3][2].value, rows[3][4].value = "лицей", "2026-02-28"
    target = io.BytesIO()
    book.save(target)
    again = settled_page(staff, upload(staff, schools, target.getvalue()))
    assert again.select_one(".state-awaiting_approval") is not None, again.get_text()[:3000]


@pytest.mark.parametrize(
    ("language", "titles"), [("/kk", ["БСН", "Атауы"]), ("/ru", ["БИН", "Наименование"]), ("/en", ["BIN", "Атауы"])]
)
def test_the_template_has_headers_hints_lists_and_an_example_that_the_portal_understands(
    staff: Browser,
    schools: str,
    language: str,
    titles: list[str],
) -> None:
    answer = staff.get(f"{language}/staff/datasets/{schools}/template.xlsx")
    assert answer.mimetype == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    sheet = book.worksheets[0]

    assert [cell.value for cell in sheet[1]][:2] == titles
    assert all(cell.comment and cell.comment.text for cell in sheet[1])
    rules = sheet.data_validations.dataValidation
    assert [str(rule.sqref) for rule in rules if rule.type == "list"] == ["C2:C10000"]
    example = book.worksheets[-1]
    assert [cell.value.split(": ")[1] for cell in example[1]] == [cell.value for cell in sheet[1]]
    for shown, cell in zip(example[2], sheet[2], strict=True):
        cell.value = shown.value
    sent = settled_page(staff, upload(staff, schools, bytes_of(book)))
    assert sent.select_one(".state-awaiting_approval") is not None, sent.get_text()[:3000]
    assert words(sent, "table.marked tbody tr").startswith("2 012345678900")


def bytes_of(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("language", "prompt"),
    [
        ("/kk", "мәтін (кодтар, БСН)\nМіндетті\nМысал: 012345678900"),
        ("/ru", "текст (коды, БИН)\nОбязательно\nПример: 012345678900"),
        ("/en", "text (codes, BIN)\nRequired\nExample: 012345678900"),
    ],
)
def test_the_example_is_told_where_a_cell_is_filled_in_and_never_becomes_data(
    staff: Browser, schools: str, language: str, prompt: str
) -> None:
    answer = staff.get(f"{language}/staff/datasets/{schools}/template.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]

    assert all(cell.value is None for row in sheet.iter_rows(min_row=2) for cell in row)
    told = {str(rule.sqref): rule.prompt for rule in sheet.data_validations.dataValidation}
    assert told["A2:A10000"] == prompt
    assert sorted(told) == [f"{letter}2:{letter}10000" for letter in "ABCDE"]
    assert all(len(text) <= 255 for text in told.values())
    untouched = settled_page(staff, upload(staff, schools, answer.data))
    assert untouched.select("table.marked tbody tr") == []


def test_the_example_is_not_taken_for_the_table_whose_columns_were_deleted(staff: Browser, schools: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(staff.get(f"/kk/staff/datasets/{schools}/template.xlsx").data))
    sheet = book.worksheets[0]
    for cell, value in zip(sheet[2], ["000140000012", "Лицей", "лицей"], strict=False):
        cell.value = value
    sheet.delete_cols(4, 2)

    soup = settled_page(staff, upload(staff, schools, bytes_of(book)))

    assert soup.select_one(".state-refused") is not None
    assert "012345678900" not in soup.get_text()


FORMULA = '=HYPERLINK("http://evil.example","x")'
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_formulas_and_scripts_in_cells_stay_texts(staff: Browser, schools: str) -> None:
    formula = FORMULA.replace('"', '""')
    rows = [f"000140000012,{SCRIPT},лицей,oops,2026-01-31", f'990240000415,"{formula}",лицей,1,x']
    hostile = "\n".join(["bin,name,kind,sum,day", *rows, ""])
    address = upload(staff, schools, hostile.encode())
    soup = settled_page(staff, address)
    assert SCRIPT in [cell.get_text() for cell in soup.select("table.marked td")]
    assert soup.select("main script, main img[onerror]") == []

    book = openpyxl.load_workbook(io.BytesIO(staff.get(f"{address}/corrected.xlsx").data))
    found = {cell.value: cell.data_type for row in book.active.iter_rows() for cell in row}
    assert found[FORMULA] == "s"


def test_a_file_name_leads_nowhere(staff: Browser, schools: str) -> None:
    address = f"/staff/datasets/{schools}/deliveries/new"
    name = "../../../etc/passwd\\..\\boot.ini"
    answer = staff.post(address, data={"mode": "replace", "key": uuid4().hex, "file": (io.BytesIO(MESSY), name)})
    soup = settled_page(staff, str(answer.headers["Location"]))

    assert "etc" not in words(soup, "dl.passport")


def test_fields_of_a_form_that_nobody_asked_for_change_nothing(
    staff: Browser, api: Api, schools: str, other_agency: Agency
) -> None:
    extra = {
        "owner": other_agency.name,
        "sender": "x",
        "state": "accepted",
        "approver": "x",
        "check_only": "",
        "source": "api",
        "version": "9",
    }
    answer = staff.post(
        f"/staff/datasets/{schools}/deliveries/new",
        data={
            "mode": "replace",
            "key": uuid4().hex,
            "file": (
                io.BytesIO(b"bin,name,kind,sum,day\n000140000012,a,\xd0\xbb\xd0\xb8\xd1\x86\xd0\xb5\xd0\xb9,1,2026-01-31\n"),
                "t.csv",
            ),
        }
        | extra,
    )
    soup = settled_page(staff, str(answer.headers["Location"]))

    assert soup.select_one(".state-awaiting_approval") is not None
    assert api.get(f"/datasets/{schools}").json["version"] is None


def test_another_agencys_files_and_templates_are_closed(
    app: CKANTestApp, other_agency: Agency, staff: Browser, schools: str
) -> None:
    address = upload(staff, schools, MESSY)
    settled_page(staff, address)
    stranger = Browser(app, other_agency.user)

    assert stranger.get(f"{address}/corrected.xlsx").status_code == 403
    assert stranger.get(f"/staff/datasets/{schools}/template.xlsx").status_code == 403
    assert stranger.post(f"{address}/repairs", data={"repair": ALL}).status_code == 403
