"""What a source tells in HTML, as Markdown: paragraphs, line breaks, lists and links; of other tags their texts.

What looks like a tag or a sign of Markdown in a text is shown as it is written. Hostile texts take no longer than others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape, unescape

UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template)\b[^<>]*>.*?(?:</\1\b[^<>]*>|\Z)|<[!?][^<>]*>", re.IGNORECASE | re.DOTALL
)
"""One that has no end takes all that is left, so that none is looked for twice."""
TAG = re.compile(r"""(/?)([a-z][a-z0-9]*)((?>[^>"']+|"[^"]*"|'[^']*')*+)>""", re.IGNORECASE)
"""What follows its `<`; no part of it is tried in a second way."""
HREF = re.compile(r"""\shref\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
SIGN = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])")
"""Signs of Markdown; `_` within a word is none."""
LIKE_HTML = re.compile(r"<(?=[a-z/!?])|&(?=#?\w+;)", re.IGNORECASE)
LINE_START = re.compile(r"[#>]|[-+](?=[\s+-]|$)|(?<=\d)[.)](?=\s|$)")
"""What would begin a heading, a quotation, a list or a rule, at the start of a line or behind its first number."""
BLOCK = re.compile(
    "address|article|aside|blockquote|d[dlt]|div|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|"
    "table|tr|ul"
)
IN_ADDRESS = {ord(sign): f"%{ord(sign):02X}" for sign in ' "()<>\\`'}


def of_html(told: str) -> str:
    """The Markdown of an HTML text, in time linear in its length; links to http(s) only."""
    made = _Markdown()
    first, *pieces = UNSEEN.sub("", told).split("<")
    text = [first]
    for piece in pieces:
        if found := TAG.match(piece):
            made.text("<".join(text))
            made.tag(found[2].lower(), bool(found[1]), found[3])
            text = [piece[found.end() :]]
        else:
            text.append(piece)
    made.text("<".join(text))
    made.end_block()
    return "".join(made.blocks)


@dataclass
class _Markdown:
    """Blocks that are done, each behind what parts it from the one before, and the parts of one that is not.

    `lists` are the marks of the items of open lists, `item` that of an item whose text has not come yet, `last` that of the
    last block. `address` is where the open link goes, `linked` the place of its first part.
    """

    blocks: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    item: str = ""
    last: str = ""
    address: str = ""
    linked: int = 0

    def text(self, told: str) -> None:
        self.parts.append(SIGN.sub(r"\\\g<0>", unescape(told).replace("\n", " ")))

    def tag(self, name: str, is_end: bool, attributes: str) -> None:
        if name == "a":
            self.end_link()
            self.address = "" if is_end else _address(attributes)
            self.linked = len(self.parts)
        elif name == "br":
            self.parts.append("\n")
        elif name in ("td", "th"):
            self.parts.append(" ")
        elif BLOCK.fullmatch(name):
            self.end_block()
            if name == "li":
                self.item = "" if is_end else (self.lists or ["- "])[-1]
            elif name in ("ul", "ol"):
                self.item = ""
                if not is_end:
                    self.lists.append("1. " if name == "ol" else "- ")
                elif self.lists:
                    self.lists.pop()

    def end_link(self) -> None:
        """A link is made once, of the first text in it."""
        text = "".join(self.parts[self.linked :])
        if self.address and text.strip():
            self.parts[self.linked :] = [f"[{text}]({self.address})"]
            self.address = ""

    def end_block(self) -> None:
        self.end_link()
        lines = [" ".join(line.split()) for line in "".join(self.parts).split("\n")]
        self.parts, self.linked = [], 0
        block = f"  \n{' ' * len(self.item)}".join(_line(line) for line in lines if line)
        if not block:
            return
        if self.blocks:
            self.blocks.append("\n" if self.item and self.item == self.last else "\n\n")
        self.blocks.append(self.item + block)
        self.last, self.item = self.item, ""


def _line(text: str) -> str:
    """One that begins with no sign and has nothing like HTML in it, and in which no `!` makes an image of a link behind it."""
    number = len(text) - len(text.lstrip("0123456789"))
    sign = LINE_START.match(text, number)
    started = text if sign is None or (number > 0) != (sign[0] in ".)") else f"{text[:number]}\\{text[number:]}"
    return LIKE_HTML.sub(lambda like: escape(like[0]), started).replace("![", "\\![")


def _address(attributes: str) -> str:
    """Where a link goes, as it may stand in one of Markdown; "" for what is no address of http(s)."""
    found = HREF.search(attributes)
    address = unescape("".join(filter(None, found.groups()))).replace("\n", "").strip() if found else ""
    return address.translate(IN_ADDRESS) if re.match(r"https?://\S", address, re.IGNORECASE) else ""
