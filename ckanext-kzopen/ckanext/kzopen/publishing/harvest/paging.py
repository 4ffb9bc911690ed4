"""The ways in which APIs give long lists, for the kinds that read such: one document a page, with where to go on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.reach import Reach, parsed

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


@dataclass(frozen=True)
class Paging:
    """How a list is asked for. `next_of` gives the mark or the address of the next page out of a document."""

    way: Way = "none"
    param: str = "page"
    size_param: str = ""
    size: int = 100
    first: int = 1
    next_of: Callable[[Any], Any] = lambda document: None


@dataclass(frozen=True)
class Sheet:
    """One page of a list: the document, and the cursor from which the next page can be asked (None = this was the last)."""

    document: Any
    cursor: Any


def sheets(
    reach: Reach,
    address: str,
    paging: Paging,
    count: Callable[[Any], int],
    headers: Mapping[str, str] | None = None,
    cursor: Any = None,
) -> Iterator[Sheet]:
    """The pages of a list from `cursor` on; `count` tells how many records a document holds.

    Ends at an empty page, a page shorter than asked for, or without a next one. Raises KzError harvest.loops when a page is
    the same as the one before. Keys in `headers` go to the list's own origin only.
    """
    before, at = "", cursor
    while True:
        url = _address(address, paging, at)
        own = urlsplit(url)[:2] == urlsplit(address)[:2]
        answer, body = reach.text(url, {"Accept": "application/json", **(headers or {} if own else {})})
        document = parsed(body, url) if answer.status != 204 and body.strip() else None
        found = count(document) if document is not None else 0
        digest = hashlib.sha256(body).hexdigest()
        if found and digest == before:
            raise KzError("harvest.loops", found=found)
        before = digest
        at = _next(paging, at, url, document, found, answer.headers.get("link", "")) if found else None
        if document is not None:
            yield Sheet(document, at)
        if at is None:
            return


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
    if paging.way == "none" or (paging.way in ("page", "offset") and paging.size_param and found < paging.size):
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
