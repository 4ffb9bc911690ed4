"""OpenAPI 3.1 of the universal API, made of the models that check the input and shape the answers."""

from __future__ import annotations

from functools import cache
from typing import Any

from ckanext.kzopen.publishing import answers
from ckanext.kzopen.publishing.passport import Passport
from ckanext.kzopen.publishing.receive import MODES
from flask import Response, json
from pydantic.json_schema import models_json_schema

BASE = "/api/universal/v1"
MODELS = (
    answers.DatasetAnswer,
    answers.VersionsAnswer,
    answers.DifferenceAnswer,
    answers.DeliveryAnswer,
    answers.ReportAnswer,
    answers.ProblemAnswer,
    answers.WithdrawalAnswer,
)
ROWS = (
    "text/csv",
    "application/json",
    "application/x-ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.apache.parquet",
    "application/gzip",
)


def response(address: str) -> Response:
    """The document, for a portal at `address`."""
    return Response(json.dumps(document(address), ensure_ascii=False), content_type="application/json")


def document(address: str) -> dict[str, Any]:
    """The document as plain data."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kzopen universal API",
            "version": "1",
            "description": "Publish and refresh the tables of an agency without anybody's hand in it.",
        },
        "servers": [{"url": f"{address}{BASE}"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "API token of a CKAN user."}},
        },
    }


@cache
def _schemas() -> dict[str, Any]:
    given = [
        (Passport, "validation"),
        (answers.WithdrawalOrder, "validation"),
        *((model, "serialization") for model in MODELS),
    ]
    _, definitions = models_json_schema(given, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    found: dict[str, Any] = definitions["$defs"]
    return found


def _paths() -> dict[str, Any]:
    uri = _parameter("uri", "path", {"type": "string", "pattern": "^[a-z0-9_-]{2,100}$"})
    number = _parameter("number", "path", {"type": "integer", "minimum": 1})
    delivery = _parameter("id", "path", {"type": "string", "format": "uuid"})
    pages = [_parameter(name, "query", {"type": "integer"}, required=False) for name in ("offset", "limit")]
    return {
        "/datasets/{uri}": {
            "parameters": [uri],
            "put": _call("Create a data set or change its passport", "DatasetAnswer", (200, 201))
            | {"requestBody": {"required": True, "content": {"application/json": {"schema": _reference("Passport")}}}},
            "get": _open("The passport and the current version", "DatasetAnswer"),
        },
        "/datasets/{uri}/rows": {"parameters": [uri], "post": _rows()},
        "/datasets/{uri}/versions": {"parameters": [uri], "get": _open("The versions, newest first", "VersionsAnswer")},
        "/datasets/{uri}/versions/{number}/diff": {
            "parameters": [uri, number],
            "get": _open("What a version changed", "DifferenceAnswer"),
        },
        "/datasets/{uri}/withdraw": {"parameters": [uri], "post": _withdraw("Take the data set out of every place")},
        "/datasets/{uri}/versions/{number}/withdraw": {
            "parameters": [uri, number],
            "post": _withdraw("Take a version out of every place; the one before it becomes current"),
        },
        "/datasets/{uri}/resources/{id}/withdraw": {
            "parameters": [uri, _parameter("id", "path", {"type": "string"})],
            "post": _withdraw("Take a file out of every place"),
        },
        "/deliveries/{id}": {"parameters": [delivery], "get": _call("Where a delivery stands", "DeliveryAnswer")},
        "/deliveries/{id}/report": {
            "parameters": [delivery, *pages],
            "get": _call("A page of what the check found", "ReportAnswer"),
        },
        "/deliveries/{id}/approve": {
            "parameters": [delivery],
            "post": _call("Publish a delivery that was only checked", "DeliveryAnswer", (200, 202)),
        },
    }


def _rows() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    key = _parameter("Idempotency-Key", "header", {"type": "string", "minLength": 1, "maxLength": 255}, required=False)
    mode = _parameter("mode", "query", {"enum": list(MODES), "default": "replace"}, required=False)
    check = _parameter("check", "query", {"enum": ["only"]}, required=False)
    return _call("Send rows", "DeliveryAnswer", (200, 202)) | {
        "parameters": [mode, check, key],
        "requestBody": {"required": True, "content": dict.fromkeys(ROWS, binary)},
    }


def _withdraw(summary: str) -> dict[str, Any]:
    check = _parameter("check", "query", {"enum": ["only"]}, required=False)
    body = {"required": True, "content": {"application/json": {"schema": _reference("WithdrawalOrder")}}}
    return _call(summary, "WithdrawalAnswer") | {"parameters": [check], "requestBody": body}


def _open(summary: str, answer: str) -> dict[str, Any]:
    """A call that anyone may make."""
    return _call(summary, answer) | {"security": [{}, {"token": []}]}


def _call(summary: str, answer: str, statuses: tuple[int, ...] = (200,)) -> dict[str, Any]:
    good = {
        str(s): {"description": summary, "content": {"application/json": {"schema": _reference(answer)}}} for s in statuses
    }
    problem = {"application/problem+json": {"schema": _reference("ProblemAnswer")}}
    return {"summary": summary, "responses": good | {"default": {"description": "A problem", "content": problem}}}


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
