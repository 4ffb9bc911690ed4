"""Stored package dicts are read, and answers of the API written, by orjson: the same JSON in a fifth of the time.

CKAN's modules have the standard library's `json` or simplejson under the name `json`; `Quick` takes its place there. Whatever
orjson does not do exactly as they do is left to them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import orjson
from simplejson import RawJSON

_AS_GIVEN = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME
_PLAIN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (dict, dict),
    (list, list),
    (tuple, list),
    (str, str),
    (bytes, bytes.decode),
)
"""What a value of one of these kinds, or of a kind derived from it, is written as."""


class Quick:
    """`json` for one of CKAN's modules; `behind` is the module that had the name before."""

    def __init__(self, behind: ModuleType) -> None:
        self.behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    def loads(self, text: str | bytes, **options: Any) -> Any:
        """The value that the text writes down."""
        if not options:
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                pass  # NaN, half a surrogate pair, or no JSON at all, which is then told in the words that callers know
        return self.behind.loads(text, **options)

    def dumps(self, value: Any, default: Callable[[Any], Any] | None = None, for_json: bool = False, **options: Any) -> str:
        """The value as text, with letters where CKAN writes escapes; `for_json` asks objects how they want to be written.

        An answer that tells an error keeps CKAN's escapes: it is small, and callers look for words in its text.
        """
        if for_json and not options and not _tells_an_error(value):
            try:
                return orjson.dumps(value, default=_plain(default), option=_AS_GIVEN).decode()
            except TypeError:
                pass  # keys that are no text, numbers of more than 64 bits, objects that simplejson knows and orjson does not
        return str(self.behind.dumps(value, default=default, for_json=for_json, **options))


def _tells_an_error(value: Any) -> bool:
    return isinstance(value, dict) and value.get("success") is False


def _plain(default: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """What orjson asks for a value that is not just a dict, list, text, number, truth value or None."""

    def told(value: Any) -> Any:
        if isinstance(value, RawJSON) or hasattr(value, "for_json") or hasattr(value, "_asdict"):
            raise TypeError
        for kind, plain in _PLAIN:
            if isinstance(value, kind):
                return plain(value)
        if default is None:
            raise TypeError
        return default(value)

    return told
