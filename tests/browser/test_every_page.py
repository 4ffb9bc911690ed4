"""Every page that a visitor or an operator can reach by links: one address for each route, in each language, wide and narrow.

The long form of `test_accessibility`: `./kzopen test pages`. The pages are found by following links from the first page, so a
page that nothing leads to is not seen here; the routes that were seen are told.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from ckan.tests.helpers import CKANTestApp
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tests.browser.conftest import LANGUAGES, NARROW, WIDE, sign_in_as_operator, width_of
from tests.browser.test_accessibility import serious
from tests.conftest import LivePortal
from tests.security.matrix import is_ours

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(1800)]

STARTS = {"visitor": ("/", "/record", "/figures", "/notices/by-mail"), "operator": ("/", "/staff/", "/user/edit")}
ENDS = ("user.logout", "user._logout")
"""Following these would end the walk."""
A_LANGUAGE = re.compile(r"\A/(kk|ru|en)(?=/|\Z)")
FEWEST = {"visitor": 15, "operator": 70}
"""Pages that are certainly found; fewer would mean that the walk went wrong."""
OF_CKAN = {
    "admin.trash": "list",
    "dataset.resources": "link-name",
    "organization.bulk_process": "label",
    "group.bulk_process": "label",
}
"""Rules of axe that templates of CKAN break by themselves; what an editor does there is also done at the workstation."""
HREFS = "[...document.querySelectorAll('a[href]')].map(a => a.href)"
FOUND = """() => ({
  lang: document.documentElement.lang,
  h1: document.querySelectorAll('h1:not(.visually-hidden)').length || document.querySelectorAll('h1').length,
  title: document.title.trim() !== '',
})"""


def endpoint_of(app: CKANTestApp, path: str) -> str:
    """The route that answers a path; empty where none does."""
    try:
        return str(app.flask_app.url_map.bind("").match(path, method="GET")[0])
    except RequestRedirect:
        return endpoint_of(app, f"{path}/") if not path.endswith("/") else ""
    except HTTPException:
        return ""


def walk(page: Page, app: CKANTestApp, starts: tuple[str, ...]) -> dict[str, str]:
    """Follow links to pages of routes not seen yet; the first path found of each route."""
    waiting, seen, asked, found = deque(starts), set(starts), set(ENDS), dict[str, str]()
    while waiting:
        path = waiting.popleft()
        endpoint = endpoint_of(app, urlsplit(path).path)
        if not endpoint or endpoint in asked:
            continue
        asked.add(endpoint)
        if not is_page(page, path):
            continue
        found[endpoint] = path
        page.goto(f"/en{path}", wait_until="load")
        for address in (urlsplit(href) for href in page.evaluate(HREFS)):
            link = (A_LANGUAGE.sub("", address.path) or "/") + (f"?{address.query}" if address.query else "")
            if address.netloc == urlsplit(page.url).netloc and link not in seen:
                seen.add(link)
                waiting.append(link)
    return found


def is_page(page: Page, path: str) -> bool:
    """Whether the address answers HTML; what it is for others (a file, a feed) is not looked at."""
    answer = page.request.get(f"/en{path}")
    return "text/html" in answer.headers.get("content-type", "")


@contextmanager
def complaints(page: Page) -> Iterator[list[str]]:
    """What scripts and the browser say meanwhile that is wrong."""
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(message.text)

    page.on("console", hear)
    yield said
    page.remove_listener("console", hear)


def faults(page: Page, endpoint: str, path: str, language: str) -> list[str]:
    """What is wrong with a page for its readers; what its scripts complain of counts for pages of ours."""
    page.set_viewport_size(WIDE)
    with complaints(page) as complained:
        answer = page.goto(f"/{language}{path}")
    status = answer.status if answer else 0
    told = page.evaluate(FOUND)
    wrong = [said for said in serious(page) if said.split(":")[0] != OF_CKAN.get(endpoint)]
    wrong += complained if is_ours(endpoint) else []
    if status != 200 or told != {"lang": language, "h1": 1, "title": True}:
        wrong.append(f"status {status}, {told}")
    page.set_viewport_size(NARROW)
    if (width := width_of(page)) != NARROW["width"]:
        wrong.append(f"{width} px wide on a telephone of {NARROW['width']}")
    return wrong


@pytest.mark.parametrize("who", STARTS)
def test_every_page_that_links_lead_to_is_fit_for_readers(
    context: BrowserContext, portal: LivePortal, app: CKANTestApp, who: str
) -> None:
    page = context.new_page()
    page.set_default_timeout(60_000)
    if who == "operator":
        sign_in_as_operator(page, portal)
    found = walk(page, app, STARTS[who])
    print(f"{len(found)} pages for a {who}: {', '.join(sorted(found.values()))}")
    assert len(found) >= FEWEST[who]
    looked = [(at, path, language) for at, path in found.items() for language in LANGUAGES]
    wrong = [f"/{language}{path}: {said}" for at, path, language in looked if (said := faults(page, at, path, language))]
    assert not wrong, "\n".join(wrong)
