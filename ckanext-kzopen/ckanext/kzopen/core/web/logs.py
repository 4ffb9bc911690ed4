"""Structured logs of every process: one line per event, no personal data, no way to forge a line.

    logs.configure("INFO")                      # once, at the start of a process
    log = structlog.get_logger(__name__)        # or logging.getLogger: both end here
    log.info("delivery accepted", delivery=17, rows=100_000)

IIN, telephone numbers, e-mail addresses, tokens and passwords are masked in every text. Control characters (CR, LF, ESC of
ANSI sequences, line separators of Unicode) are escaped, so that what a visitor sends cannot end a line or colour a terminal.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from ckanext.kzopen.core.identifiers import is_iin
from structlog.types import EventDict, Processor, WrappedLogger

LONGEST_TEXT = 16_000  # characters of one value; of what is longer the middle is left out
LONGEST_WORD = 300
_LONG_WORD = re.compile(rf"[\w.+/=~-]{{{LONGEST_WORD + 1},}}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w+.-])(?:\+7|8)[\s(-]{0,2}[67]\d{2}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}(?![\w-])")
_TWELVE = re.compile(r"(?<!\d)\d{12}(?!\d)")
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
_HEADER = re.compile(r"\b(bearer|basic)\s+[\w.+/=~-]{6,}", re.IGNORECASE)
_PAIR = re.compile(
    r"(?i)([\w-]*(?:password|passwd|secret|token|api_?key|authorization|cookie)[\w-]*[\"']?\s*[=:]\s*[\"']?)(?!\[secret\]|bearer\b|basic\b)([^\s&\"',;)}\]]+)"
)
_CREDENTIALS = re.compile(r"(\w+://[^\s:/@]*:)[^\s/@]+(?=@)")
_SECRET_NAME = re.compile(r"(?i)password|passwd|secret|token|api_?key|authorization|cookie")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def masked(text: str) -> str:
    """The text without personal data and secrets, and no longer than a person would read."""
    text = _CREDENTIALS.sub(r"\1[secret]", shortened(text))
    text = _HEADER.sub(r"\1 [secret]", text)
    text = _JWT.sub("[secret]", text)
    text = _PAIR.sub(r"\1[secret]", text)
    text = _EMAIL.sub("[email]", text)
    text = _PHONE.sub("[phone]", text)
    return _TWELVE.sub(lambda match: "[iin]" if is_iin(match.group()) else match.group(), text)


def shortened(text: str) -> str:
    """Without the middle of a long text and the end of a long word.

    The patterns of `masked` look ahead from every letter: on one word of a hundred thousand letters they would take minutes.
    """
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT // 2]} … {text[-LONGEST_TEXT // 2 :]}"
    return _LONG_WORD.sub(lambda match: f"{match.group()[:100]}…", text)


def one_line(text: str) -> str:
    """The text with control characters written as escapes: a line feed is `\\n`, ESC is `\\x1b`."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def _clean(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {masked(str(key)): _clean(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner, name) for inner in value]
    if value is None or isinstance(value, bool | float):
        return value
    if name and _SECRET_NAME.search(name):
        return "[secret]"
    if isinstance(value, int):
        return "[iin]" if is_iin(value) and value >= 10**11 else value
    return masked(str(value))


def clean_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every value of the event, however deep, and the exception with it."""
    return {name: _clean(value, "" if name in ("event", "exception") else name) for name, value in event.items()}


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _CONTROL.sub(_json_escape, json.dumps(event, ensure_ascii=False, default=str))


def _json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def _as_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """`time level logger: event name=value …`; lines of an exception are indented under a bar."""
    exception = event.pop("exception", "")
    head = f"{event.pop('timestamp')} {event.pop('level'):<8} {event.pop('logger', '')}: {one_line(str(event.pop('event')))}"
    rest = "".join(f" {one_line(name)}={one_line(str(value))}" for name, value in event.items())
    trace = "".join(f"\n    | {one_line(line)}" for line in str(exception).split("\n") if exception)
    return head + rest + trace


def _before() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Our lines for handlers that an ini describes: JSON, or readable ones where a person sits at the terminal.

    The ini says `class = ckanext.kzopen.core.web.logs.Formatter` under its formatter; a format given there is not used.
    """

    def __init__(self, *_format: object, json: bool | None = None, **_options: object) -> None:
        as_json = not sys.stderr.isatty() if json is None else json
        render: Processor = _as_json if as_json else _as_line
        super().__init__(
            foreign_pre_chain=_before(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, clean_event, render],
        )


def configure(level: str = "INFO", *, json: bool = True, stream: TextIO | None = None) -> None:
    """Send all logging of this process, structlog's and the standard library's, to `stream` (standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Formatter(json=json))
    _replace_handlers(handler, level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_before(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _replace_handlers(handler: logging.Handler, level: str) -> None:
    """One handler at the root; loggers that an ini gave handlers of their own hand up to it."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in list(logging.Logger.manager.loggerDict):
        logger = logging.getLogger(name)
        if logger.handlers:
            logger.handlers[:] = []
            logger.propagate = True
        logger.disabled = False  # logging.config switches off loggers that its file does not name
    for name in ("ckan", "ckanext", "kzopen", "portal_theme"):
        logging.getLogger(name).setLevel(level)
