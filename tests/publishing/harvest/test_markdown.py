"""Texts of sources in HTML become Markdown of the same form, whatever stands in them, in time linear in their length."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from ckan.lib.helpers import render_markdown
from ckanext.kzopen.publishing.harvest.markdown import of_html

WRITTEN = r"""
PM_2_5
_x_ __y__
5*3*2
* a
<script>alert(1)</script>
<b>x</b> &lt;
[a](http://x) [b]: http://x
# a
1. a
`a`
\*a\*
> a
- a
+ a
---
a ![b](http://x)
*a
""".strip().splitlines()
REPEATED = [
    "<a href=https://x>",
    '<a href="x',
    "<a href='",
    "<a ",
    "<",
    "<!--",
    "<!",
    "<script",
    "<script>",
    "</script",
    "<style></",
    "&lt;",
    "&#",
    "<ul><li>",
    "<a href=https://x><p>x",
    "![",
    "_",
    "\\",
    "<br>",
    "</",
    "x ",
    "\n",
    "<a\t=",
    " href=",
    "<p title='\"",
    "1",
    "<b ' \" ",
]


@pytest.mark.parametrize(
    ("told", "made"),
    [
        ("a<br>b<br/>c", "a  \nb  \nc"),
        ("<ul><li>a<li><p>b</p></ul><ol><li>c<br>d</li></ol>e", "- a\n- b\n\n1. c  \n   d\n\ne"),
        ("<ol><li>a</li><li></ol></ul>b<li>c", "1. a\n\nb\n\n- c"),
        ("<a href='http://x/?a=1&amp;b=(2)'>t</a>", "[t](http://x/?a=1&b=%282%29)"),
        ("<a class=x href=https://x><h3>t</h3><p>u</p></a>", "[t](https://x)\n\nu"),
        ('<a href="javascript:alert(1)">t</a><a href="/here">u</a><a>v</a>', "tuv"),
        ('<a href="https://x">a]b</a>!<a href="https://y">c</a>', "[a\\]b](https://x)\\![c](https://y)"),
        ('<p title="a > b">t</p>', "t"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("a<!-- <b>x</b> -->b<style>p {x: y}</style>c<SCRIPT src=x>if (a < b) {}</SCRIPT >d<!DOCTYPE x>e", "abcde"),
        ("a<script>x", "a"),
        ("a<!-- x", "a"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;script>alert(1)&lt;/script>"),
        ("&amp;lt;b&amp;gt; A&amp;B", "&amp;lt;b&amp;gt; A&B"),
        ("&lt;<b>script&gt;</b> &amp;<i>lt;</i>", "&lt;script> &amp;lt;"),
        ("PM_2_5 _x_", "PM_2_5 \\_x\\_"),
        ("5*3*2 `x` [a](b) \\", "5\\*3\\*2 \\`x\\` \\[a\\](b) \\\\"),
        (
            "# a<br>&gt; b<br>- c<br>2. d<br>2) e<br>---<br>-5 +7 3.5",
            "\\# a  \n\\> b  \n\\- c  \n2\\. d  \n2\\) e  \n\\---  \n-5 +7 3.5",
        ),
        ("1 < 2, a <b", "1 < 2, a &lt;b"),
        (" \n ", ""),
    ],
)
def test_html_as_markdown(told: str, made: str) -> None:
    assert of_html(told) == made


@pytest.mark.parametrize("text", WRITTEN)
def test_a_text_is_shown_as_it_is_written(text: str) -> None:
    """As CKAN shows it; each sign is written as HTML has it."""
    told = f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>"
    shown = str(render_markdown(of_html(told), auto_link=False))
    assert re.fullmatch(r"<p>([^<]*)</p>", shown.strip()), shown
    assert unescape(shown.strip()[3:-4]) == text


@pytest.mark.parametrize("piece", REPEATED)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    """Whatever is repeated, in a text and in a tag."""
    several = piece * (100_000 // len(piece))
    begun = time.process_time()
    of_html(f"{several}<a href=https://x {several}>")
    assert time.process_time() - begun < 1


def test_a_megabyte_of_links_without_an_end_takes_less_than_a_second() -> None:
    told = "<a href=https://example.org/>t " * 32_000
    begun = time.process_time()
    assert of_html(told).startswith("[t ](https://example.org/)[t ]")
    assert time.process_time() - begun < 1
