"""OpenAPI 3.1 of the universal API, made of the models that check the input and shape the answers."""

from __future__ import annotations

from functools import cache
from typing import Any

from ckanext.kzopen.core.texts import Words, in_language
from ckanext.kzopen.publishing import answers, calls
from ckanext.kzopen.publishing.api_words import told
from ckanext.kzopen.publishing.calls_shown import CALLS, Call
from ckanext.kzopen.publishing.formats import ACCEPTED
from ckanext.kzopen.publishing.passport import Input, Passport
from flask import Response, json
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

BASE = "/api/universal/v1"
TITLE: Words = {"kk": "kzopen әмбебап API", "ru": "Универсальный API kzopen", "en": "kzopen universal API"}
DESCRIPTION: Words = {
    "kk": "Органның ақпараттық жүйесі деректерін өзі жариялап, өзі жаңартады.",
    "ru": "Информационная система органа сама публикует и обновляет его данные.",
    "en": "Publish and refresh the tables of an agency without anybody's hand in it.",
}
TOKEN: Words = {
    "kk": "Ақпараттық жүйенің немесе адамның токені. Жүйенің токені кейбір режимдермен, тек паспорттармен немесе тек оқумен "
    "шектелуі мүмкін: бұл шектен шыққан сұранысқа 403 қайтарылады, жауапта токенге не рұқсат етілгені мен кімге жүгіну "
    "керегі айтылады.",
    "ru": "Токен информационной системы или человека. Токен системы может быть ограничен некоторыми режимами, одними "
    "паспортами или чтением: запрос сверх этого получает 403, в ответе – что токену разрешено и к кому обратиться.",
    "en": "Token of an information system, or of a person. That of a system may be limited to some modes, to passports, or to "
    "reading: a request beyond that gets 403, which tells what the token may do and whom to ask.",
}
BODIES: tuple[type[BaseModel], ...] = (
    Passport,
    answers.WithdrawalOrder,
    calls.Decision,
    calls.UploadOrder,
    calls.Completion,
)
ANSWERS: tuple[type[BaseModel], ...] = (
    answers.DatasetAnswer,
    answers.VersionsAnswer,
    answers.DifferenceAnswer,
    answers.DeliveryAnswer,
    answers.ReportAnswer,
    answers.ProblemAnswer,
    answers.WithdrawalAnswer,
    answers.UploadAnswer,
)
UUID = {"type": "string", "format": "uuid"}
PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "uri": ("Name of the data set in its address.", {"type": "string", "pattern": "^[a-z0-9_-]{2,100}$"}),
    "number": ("Number of the version.", {"type": "integer", "minimum": 1, "maximum": 2_000_000_000}),
    "delivery": ("Number of the delivery, from the answer to its rows.", UUID),
    "upload": ("Number of the upload, from the answer that began it.", UUID),
    "resource": (
        "Id of the file in the data set.",
        {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[^/]+$"},
    ),
}
KEY = "The same key with the same body is one delivery, with another body 409; kept for 7 days."
DIGEST = "SHA-256 of the body (RFC 9530); a body that differs is refused."
PREFER = "`wait=10` lets the answer wait so many seconds, 20 at most, for what becomes of the delivery (RFC 7240)."
OFFSET = "Bytes that were sent before this part."
PROBLEM = "A problem"


def response(address: str, language: str) -> Response:
    """The document, for a portal at `address`, in a reader's language."""
    return Response(json.dumps(document(address, language), ensure_ascii=False), content_type="application/json")


def document(address: str, language: str) -> dict[str, Any]:
    """The document as plain data."""
    scheme = {"type": "http", "scheme": "bearer", "description": in_language(TOKEN, language)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": in_language(TITLE, language),
            "version": "1",
            "description": in_language(DESCRIPTION, language),
        },
        "servers": [{"url": f"{address}{BASE}"}],
        "security": [{"token": []}],
        "paths": told(_paths(language), language),
        "components": {"schemas": told(_schemas(), language), "securitySchemes": {"token": scheme}},
    }


@cache
def _schemas() -> dict[str, Any]:
    given = [*((model, "validation") for model in BODIES), *((model, "serialization") for model in ANSWERS)]
    _, definitions = models_json_schema(given, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    found: dict[str, Any] = definitions["$defs"]
    return found


def _paths(language: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for call in CALLS:
        path = found.setdefault(call.path, {"parameters": _in_path(call.path)})
        path[call.method] = _operation(call, language)
    return {path: {k: v for k, v in item.items() if v} for path, item in found.items()}


def _in_path(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "description": PLACES[name][0], "schema": PLACES[name][1]}
        for name in names
    ]


def _operation(call: Call, language: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": call.name,
        "summary": in_language(call.summary, language),
        "responses": _responses(call, language),
    }
    parameters = [*_in_query(call.query), *_in_headers(call)]
    if parameters:
        operation["parameters"] = parameters
    if call.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(call.body)}
    if call.open:
        operation["security"] = [{}, {"token": []}]
    return operation


def _content(body: type[BaseModel] | str) -> dict[str, Any]:
    if body == "rows":
        return {key: {"schema": {"type": "string", "format": "binary"}} for key in ACCEPTED}
    if isinstance(body, str):
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": _reference(body.__name__)}}


def _in_query(model: type[Input] | None) -> list[dict[str, Any]]:
    """The parameters of an address, from the model that checks them."""
    if model is None:
        return []
    found = []
    for name, asked in model.model_json_schema()["properties"].items():
        schema = _without_null({k: v for k, v in asked.items() if k not in ("description", "title")})
        found.append({"name": name, "in": "query", "description": asked.get("description", ""), "schema": schema})
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not there is left out; there is no null in an address."""
    if "anyOf" not in schema:
        return schema
    (kept,) = [part for part in schema["anyOf"] if part.get("type") != "null"]
    return kept


def _in_headers(call: Call) -> list[dict[str, Any]]:
    if call.name == "post_rows":
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        digest = {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"}
        return [_header("Idempotency-Key", KEY, key), _header("Content-Digest", DIGEST, digest), _prefer()]
    if call.name == "get_delivery":
        return [_prefer()]
    if call.name == "put_part":
        return [_header("Upload-Offset", OFFSET, {"type": "integer", "minimum": 0}, required=True)]
    return []


def _prefer() -> dict[str, Any]:
    return _header("Prefer", PREFER, {"type": "string", "examples": ["wait=10"]})


def _header(name: str, description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _responses(call: Call, language: str) -> dict[str, Any]:
    summary = in_language(call.summary, language)
    content: dict[str, Any] = {"application/json": {"schema": _reference(call.answer.__name__)}}
    if call.name == "get_report":
        content["text/csv"] = {"schema": {"type": "string"}}
    good: dict[str, Any] = {str(status): {"description": summary, "content": content} for status in call.statuses}
    problem = {"application/problem+json": {"schema": _reference("ProblemAnswer")}}
    if call.method == "head":
        return {"200": {"description": summary}, "default": {"description": PROBLEM}}
    return good | {"default": {"description": PROBLEM, "content": problem}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
