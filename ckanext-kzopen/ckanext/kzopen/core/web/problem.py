"""Errors as RFC 9457 problem objects, in the language that the caller asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ckanext.kzopen.core.texts import LANGUAGES, Words, in_language, primary
from ckanext.kzopen.core.web.caching import uncached
from ckanext.kzopen.core.web.errors import KzError
from flask import Response, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

MEDIA_TYPE = "application/problem+json"
_TITLES: dict[int, Words] = {
    400: {"kk": "Қате сұраныс", "ru": "Неверный запрос", "en": "Bad request"},
    401: {"kk": "Жүйеге кіру керек", "ru": "Требуется вход", "en": "Sign-in required"},
    403: {"kk": "Рұқсат жоқ", "ru": "Доступ запрещён", "en": "Forbidden"},
    404: {"kk": "Табылмады", "ru": "Не найдено", "en": "Not found"},
    405: {"kk": "Мұндай әдіс қабылданбайды", "ru": "Метод не поддерживается", "en": "Method not allowed"},
    406: {"kk": "Мұндай түрде берілмейді", "ru": "Недоступно в таком виде", "en": "Not acceptable"},
    409: {"kk": "Қайшылық", "ru": "Конфликт", "en": "Conflict"},
    410: {"kk": "Алынып тасталды", "ru": "Удалено", "en": "Gone"},
    411: {"kk": "Ұзындығы көрсетілмеген", "ru": "Не указана длина", "en": "Length required"},
    412: {"kk": "Шарт орындалмады", "ru": "Условие не выполнено", "en": "Precondition failed"},
    413: {"kk": "Тым үлкен", "ru": "Слишком большой объём", "en": "Too large"},
    415: {"kk": "Пішімі қабылданбайды", "ru": "Формат не принимается", "en": "Unsupported media type"},
    422: {"kk": "Деректер тексеруден өтпеді", "ru": "Данные не прошли проверку", "en": "The data did not pass the check"},
    429: {"kk": "Сұраныс тым көп", "ru": "Слишком много запросов", "en": "Too many requests"},
    500: {"kk": "Портал қатесі", "ru": "Ошибка портала", "en": "Error of the portal"},
    502: {"kk": "Сыртқы жүйе жауап бермеді", "ru": "Внешняя система не ответила", "en": "Bad gateway"},
    503: {"kk": "Уақытша қолжетімсіз", "ru": "Временно недоступно", "en": "Unavailable for the moment"},
    504: {"kk": "Сыртқы жүйе уақытында жауап бермеді", "ru": "Внешняя система не ответила вовремя", "en": "Gateway timeout"},
    507: {"kk": "Дискіде орын жоқ", "ru": "Нет места на диске", "en": "No room on the disk"},
}
_CODES = {
    400: "web.bad_request",
    401: "web.not_signed_in",
    403: "web.not_allowed",
    404: "web.not_found",
    405: "web.method_not_allowed",
    409: "web.conflict",
    413: "web.body_too_large",
    429: "web.too_often",
    503: "web.unavailable",
    507: "web.no_room",
}


def wanted_language(accept_language: str, default: str = LANGUAGES[0]) -> str:
    """The best of the portal's languages for an Accept-Language header; regions count as their language (`ru-KZ`)."""
    offers = parse_accept_header(accept_language, LanguageAccept)
    for tag, quality in offers:
        if quality > 0 and primary(tag) in LANGUAGES:
            return primary(tag)
    return default


def request_language() -> str:
    """The language of the request: that of its address (`/ru/…`), else of Accept-Language, else the portal's own."""
    environ = request.environ
    own = environ.get("CKAN_LANG", LANGUAGES[0])
    if environ.get("CKAN_LANG_IS_DEFAULT") is False:
        return primary(own)
    return wanted_language(request.headers.get("Accept-Language", ""), default=primary(own))


def as_dict(error: KzError, language: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The members of the problem object; `code` and `params` are for programs, `detail` for people."""
    return {
        "type": f"/problems/{error.code}",
        "title": title(error.status, language),
        "status": error.status,
        "detail": error.text(language),
        "code": error.code,
        "params": error.params,
        **(extra or {}),
    }


def title(status: int, language: str) -> str:
    """What a status means, in a few words; a status without words of its own is told as its hundred (400, 500)."""
    return in_language(_TITLES.get(status) or _TITLES[status // 100 * 100], language, order=("en",))


def problem(
    error: KzError,
    /,
    *,
    language: str | None = None,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """The answer to a request that failed with `error`; `extra` adds members (a report, the address of a delivery)."""
    chosen = language or request_language()
    body = json.dumps(as_dict(error, chosen, extra), ensure_ascii=False, default=str)
    response = Response(body, status=error.status, content_type=MEDIA_TYPE, headers=headers)
    response.headers["Content-Language"] = chosen
    response.headers["Vary"] = "Accept-Language"
    return uncached(response)


def of_status(status: int) -> KzError:
    """The general error of an HTTP status that some library raised without words of ours."""
    return KzError(_CODES.get(status) or ("web.internal" if status >= 500 else "web.bad_request"))
