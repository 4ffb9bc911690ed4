"""In which encoding a text file is: proved for UTF-8 and UTF-16, judged by its letters for the old single-byte ones.

A judgement that is not clear is refused: a table with wrong letters is worse than none.
"""

from __future__ import annotations

import codecs
import re
import struct
from pathlib import Path

import pyarrow as pa
from ckanext.kzopen.validation.cells import Unreadable

SAMPLE = 1 << 18
CHUNK = 1 << 20
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CYRILLIC = ("cp1251", "kz1048", "ptcp154", "cp866")
COMMON = frozenset("оеаинтсрвлкмдпуыьязбгчйхжшюцщэф" + "әіңғүұқөһ")
VOWELS = frozenset("аеёиоуыэюя" + "әіұүө")
LETTERS = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюя" + "әіңғүұқөһ")
SIGNS = frozenset("№«»–—“”„‘’…·\N{NO-BREAK SPACE}§°±•")
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def detect(path: Path) -> str:
    """The Python codec of the text file, or Unreadable `encoding-error` (`format-error` when it is no text at all)."""
    told = _told(_beginning(path))
    if told is not None:
        return _proved(path, told)
    if _is_utf8(path):
        return "utf-8"
    failed = _first_failure(path, "utf-8")
    if failed is None:
        return "utf-8"
    return _single_byte(path, failed)


def at_first(path: Path) -> str | None:
    """`utf-8` or `utf-8-sig` when the beginning of the file is that, for who proves the rest while reading it; else None."""
    beginning = _beginning(path)
    try:
        told = _told(beginning)
    except Unreadable:
        return None
    whole = _right(beginning[: _without_begun(beginning)])
    return (told or "utf-8") if whole and told in (None, "utf-8-sig") else None


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SAMPLE)


def _told(beginning: bytes) -> str | None:
    """The codec that a mark at the beginning, or the places of its zeros, tell; Unreadable when it is no text at all."""
    for bom, encoding in BOMS:
        if beginning.startswith(bom):
            return encoding
    wide = _without_bom(beginning)
    if wide is None and len(CONTROLS.findall(beginning)) > len(beginning) // 1000:
        raise Unreadable("format-error", "binary")
    return wide


def _proved(path: Path, encoding: str) -> str:
    failed = _first_failure(path, encoding)
    if failed is not None:
        raise Unreadable("encoding-error", "broken", encoding=encoding, row=failed + 1)
    return encoding


def _is_utf8(path: Path) -> bool:
    """Whether all of the file is text in UTF-8; a tenth of the time that it takes to find the first wrong byte."""
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            whole = _without_begun(chunk)
            if b"\x00" in chunk or not _right(rest + chunk[:whole]):
                return False
            rest = chunk[whole:]
    return _right(rest)


def _without_begun(chunk: bytes) -> int:
    """The length of the chunk without its last character when that is not ASCII: it may go on in the next chunk."""
    end = len(chunk)
    while end > max(0, len(chunk) - 4) and 0x80 <= chunk[end - 1] < 0xC0:
        end -= 1
    return end - 1 if end and chunk[end - 1] >= 0xC0 else end


def _right(raw: bytes) -> bool:
    """Whether the bytes are whole characters of UTF-8, as Arrow tells without decoding them."""
    ends = pa.py_buffer(struct.pack("<qq", 0, len(raw)))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(raw)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _without_bom(sample: bytes) -> str | None:
    """UTF-16 without its mark: of each pair of bytes one is nearly always that of Latin (0) or of Cyrillic (4)."""
    pairs = len(sample) // 2
    if pairs < 4 or b"\x00" not in sample:
        return None
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high = sample[start::2]
        if high.count(0) + high.count(4) > 0.95 * pairs and sample[1 - start :: 2].count(0) < 0.05 * pairs:
            return encoding
    return None


def _first_failure(path: Path, encoding: str) -> int | None:
    """How many line ends come before the first byte that cannot be decoded; None when all can."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                kept = len(error.object) - len(chunk)  # bytes of a character that began in the chunk before
                return _line_ends(path, before - kept + error.start)
            if not chunk:
                return None
            if encoding in ("utf-8", "utf-8-sig") and b"\x00" in chunk:
                raise Unreadable("format-error", "binary")
            before += len(chunk)


def _line_ends(path: Path, until: int) -> int:
    """How many line ends the first bytes of a file have."""
    with path.open("rb") as file:
        return sum(file.read(min(CHUNK, until - start)).count(b"\n") for start in range(0, until, CHUNK))


def _single_byte(path: Path, failed_line: int) -> str:
    raw = around_high_bytes(path)
    if _mostly_utf8(raw):
        raise Unreadable("encoding-error", "broken", encoding="utf-8", row=failed_line + 1)
    for encoding in sorted(CYRILLIC, key=lambda name: -score(raw, name)):
        if _is_cyrillic(raw, encoding):
            return encoding
    if _is_western(raw) or _same_everywhere(raw):
        return "cp1252"
    raise Unreadable("encoding-error", "unknown", row=failed_line + 1)


def around_high_bytes(path: Path) -> bytes:
    """Up to 256 KB of the words that have bytes above 127, from the whole file."""
    words: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        for line in file:
            words += re.findall(rb"[^\s,;|\t\"]*[\x80-\xff][^\s,;|\t\"]*", line[:CHUNK])
            size += sum(map(len, words[-50:]))
            if size > SAMPLE:
                break
    return b" ".join(words)


def _mostly_utf8(raw: bytes) -> bool:
    """Whether most of the high bytes stand in right UTF-8 sequences: a few wrong bytes in a UTF-8 file."""
    text = raw.decode("utf-8", errors="surrogateescape")
    wrong = sum("\udc80" <= letter <= "\udcff" for letter in text)
    right = sum(letter > "\x7f" for letter in text) - wrong
    return right > 3 * wrong


def score(raw: bytes, encoding: str) -> int:
    """How much the text looks like Russian or Kazakh in this encoding: letters for it, odd signs against it."""
    total = 0
    for letter in raw.decode(encoding, errors="replace"):
        if letter <= "\x7f":
            continue
        low = letter.lower()
        if low in COMMON:
            total += 3 if letter == low else 2
        elif low in LETTERS:
            total += 1
        elif letter not in SIGNS:
            total -= 8
    return total


def _is_cyrillic(raw: bytes, encoding: str) -> bool:
    """Nine letters of ten are Russian or Kazakh, a fifth of them or more are vowels (not so in Greek read wrongly), and
    they stand in words without Latin letters (not so in «café» read wrongly)."""
    text = raw.decode(encoding, errors="replace")
    high = [letter.lower() for letter in text if letter > "\x7f" and letter not in SIGNS]
    letters = [letter for letter in high if letter in LETTERS]
    if not letters or len(letters) < 0.9 * len(high) or sum(letter in VOWELS for letter in letters) < 0.22 * len(letters):
        return False
    pure = re.findall(r"(?<![A-Za-z])[^\W\d_a-zA-Z]{2,}(?![A-Za-z])", text)
    return sum(map(len, pure)) > 0.6 * len(high)


def _is_western(raw: bytes) -> bool:
    """Most of the high bytes, signs apart, are Latin letters with marks inside words of Latin letters."""
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        return False
    words = re.findall(r"[^\W\d_]+", text)
    marked = sum(letter > "\x7f" for word in words for letter in word)
    within = sum(letter > "\x7f" for word in words if re.search("[A-Za-z]", word) for letter in word)
    high = sum(letter > "\x7f" and letter not in SIGNS for letter in text)
    return marked > 0 and marked >= 0.7 * high and within >= 0.8 * marked


def _same_everywhere(raw: bytes) -> bool:
    """Only signs that all these encodings have at one place: dashes, quotes, blanks that do not break."""
    texts = [raw.decode(encoding, errors="replace") for encoding in ("cp1251", "cp1252", "kz1048")]
    return len(set(texts)) == 1 and "\ufffd" not in texts[0]
