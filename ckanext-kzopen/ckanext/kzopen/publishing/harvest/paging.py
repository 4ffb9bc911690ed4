"""The ways in which APIs give long lists, for the kinds that read such: one document a page, with where to go on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import checksums
from ckanext.kzopen.publishing.harvest.reach import Reach

Way = Literal["none", "page", "offset", "cursor", "next", "link"]
"""All at once; numbered pages; a row to begin at; a mark for the next page; the next address in the body, or in a header."""
WAYS: Mapping[Way, Words] = {
    "none": {"kk": "Бәрі бірден, беттерсіз", "ru": "Всё сразу, без страниц", "en": "All at once, without pages"},
    "page": {"kk": "Бет нөмірі бойынша", "ru": "По номеру страницы", "en": "By the number of the page"},
    "offset": {
        "kk": "Бірінші жазбаның реті бойынша",
        "ru": "По номеру первой записи",
        "en": "By the number of the first record",
    },
    "cursor": {"kk": "Жауаптағы белгі бойынша", "ru": "По метке из ответа", "en": "By a mark in the answer"},
    "next": {
        "kk": "Жауаптағы келесі бет мекенжайы бойынша",
        "ru": "По адресу следующей страницы в ответе",
        "en": "By the address of the next page in the answer",
    },
    "link": {
        "kk": "Link тақырыбындағы мекенжай бойынша",
        "ru": "По адресу в заголовке Link",
        "en": "By the address in the Link header",
    },
}
NEXT_LINK = re.compile(r"<([^>]*)>\s*;[^,]*\brel\s*=\s*\"?next\"?", re.IGNORECASE)


Row = Mapping[str, Any]


@dataclass(frozen=True)
class Paging:
    """How a list is asked for. Out of a document `next_of` gives the mark or the address of the next page, `total_of` how
    many records there are in all (None where that is not told)."""

    way: Way = "none"
    param: str = "page"
    size_param: str = ""
    size: int = 100
    first: int = 1
    next_of: Callable[[Any], Any] = lambda document: None
    total_of: Callable[[Any], int | None] = lambda document: None


BEHIND_THE_END = ("harvest.not_there", "harvest.odd_answer")
"""What servers say of a page behind the last one: 404, 410, or that it is a bad request (400, 416, 422)."""


STEP = timedelta(seconds=2)
"""What dates in whole seconds of two clocks may differ by chance."""


@dataclass(frozen=True)
class Sheet:
    """One page of a list: the document, its records, and the cursor from which the next page can be asked (None = this was
    the last); when it says that it was changed (Last-Modified), and when it was given (Date)."""

    document: Any
    records: list[Any]
    cursor: Any
    changed: str | None = None
    given: str | None = None

    @property
    def age(self) -> timedelta | None:
        """How long before it was given it was changed; None where that is not told."""
        try:
            return parsedate_to_datetime(self.given or "") - parsedate_to_datetime(self.changed or "")
        except (TypeError, ValueError):
            return None

    @property
    def settled(self) -> str | None:
        """When it was changed; None when that is the moment of the answer, as some servers say of each, or not told.

        Up to a minute before it is the same moment (RFC 9110, 8.8.2.2; the minute is that of RFC 7232).
        """
        return self.changed if self.age is not None and self.age > timedelta(minutes=1) else None

    def is_as_old(self, age: timedelta | None) -> bool:
        """Whether it was changed as long before it was given as an earlier answer: then the one moves along with the other, as
        where two clocks go apart, and tells nothing."""
        return self.age is not None and age is not None and abs(self.age - age) <= STEP


def sheets(
    reach: Reach,
    address: str,
    paging: Paging,
    records: Callable[[Any], list[Any]],
    headers: Mapping[str, str] | None = None,
    cursor: Any = None,
) -> Iterator[Sheet]:
    """The pages of a list from `cursor` on; `records` gives those of a document.

    Ends at an empty page, or without a next one: a server may give fewer records at once than asked for. Where what was read
    seems to be all (the last page was short, or there are as many as were told), a server may also say that there is no
    further page; and repeat the last one, when there are as many as were told. Raises KzError harvest.loops when records that
    were given come again as another page.
    """
    seen: set[str] = set()
    number, at, whole, told = 0, cursor, False, False
    while True:
        url = _address(address, paging, at)
        try:
            answer, body = reach.text(url, {"Accept": "application/json", **(headers or {})})
        except KzError as error:
            if whole and error.code in BEHIND_THE_END:
                return
            raise
        if answer.status == 204 or not body.strip():
            return
        document = reach.parsed(body, url)
        if document is None:  # as some write a list of nothing
            return
        found = records(document)
        digest = checksums.digest(found)
        if found and digest in seen:
            if told:
                return
            raise KzError("harvest.loops", found=number)
        seen.add(digest)
        number += len(found)
        told = number >= (paging.total_of(document) or math.inf)
        whole = told or (paging.way in ("page", "offset") and bool(paging.size_param) and len(found) < paging.size)
        here, at = at, _next(paging, at, url, document, len(found), answer.headers.get("link", "")) if found else None
        # A reading that goes on after a death begins with what seems to be the last page: so it knows that again.
        marks = answer.headers.get("last-modified"), answer.headers.get("date")
        yield Sheet(document, found, here if whole and at is not None else at, *marks)
        if at is None:
            return


def windows(ask: Callable[[int, int], tuple[list[Row], int]], size: int, number_of: Callable[[Row], Any]) -> Iterator[Row]:
    """The rows of a table of which `ask(begin, size)` gives some, and how many there are in all (0 where that is not told).

    Ends at an empty answer: a server may give fewer at once than asked for. After such an answer one row is asked for, since
    some refuse to look 10,000 rows ahead. Raises KzError harvest.loops when the number of a row comes again, or an answer
    whose rows have none; harvest.fewer_rows_than_told.
    """
    seen: set[int] = set()
    begin, told, most, asked = 0, 0, size, size
    while True:
        rows, total = ask(begin, asked)
        marks = _marks(rows, number_of)
        if not seen.isdisjoint(marks) or len(set(marks)) < len(marks):
            raise KzError("harvest.loops", found=begin)
        seen.update(marks)
        yield from rows
        begin, told, short = begin + len(rows), total or told, len(rows) < asked
        if not rows:
            break
        most, asked = (len(rows), 1) if short else (most, most)
    if begin < told:
        raise KzError("harvest.fewer_rows_than_told", told=told, found=begin)


def _marks(rows: list[Row], number_of: Callable[[Row], Any]) -> list[int]:
    """By what rows are known when they come again, few bytes for each: by their numbers, else all of the answer together."""
    numbers = [number_of(row) for row in rows]
    return [hash(checksums.digest(rows))] if None in numbers else [hash(str(number)) for number in numbers]


def _address(address: str, paging: Paging, at: Any) -> str:
    if paging.way in ("next", "link"):
        return str(at) if at is not None else _with(address, _size(paging))
    if paging.way == "none":
        return address
    if paging.way == "cursor":
        return _with(address, _size(paging) | ({paging.param: str(at)} if at is not None else {}))
    first = paging.first if paging.way == "page" else 0
    return _with(address, _size(paging) | {paging.param: str(at if at is not None else first)})


def _size(paging: Paging) -> dict[str, str]:
    return {paging.size_param: str(paging.size)} if paging.size_param else {}


def _next(paging: Paging, at: Any, url: str, document: Any, found: int, link: str) -> Any:
    if paging.way == "none":
        return None
    if paging.way == "page":
        return (at if at is not None else paging.first) + 1
    if paging.way == "offset":
        return (at or 0) + found
    if paging.way == "link":
        mark = NEXT_LINK.search(link)
        return urljoin(url, mark.group(1)) if mark else None
    mark_in_body = paging.next_of(document)
    if mark_in_body in (None, "", False):
        return None
    return urljoin(url, str(mark_in_body)) if paging.way == "next" else str(mark_in_body)


def _with(address: str, values: Mapping[str, str]) -> str:
    """The address with these values in its query, in the place of those that have the same name."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in values]
    return urlunsplit(parts._replace(query=urlencode([*kept, *values.items()])))
