"""OpenAPI 3.1 of `/api/search/v1`, made of the models that check the input and shape the answers."""

from __future__ import annotations

from typing import Annotated, Any

from ckanext.kzopen.search import registry
from ckanext.kzopen.search.portal import answers, question
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.json_schema import models_json_schema

BASE = "/api/search/v1"
REFERENCE = "#/components/schemas/{model}"


class Paging(BaseModel):
    """How much of the answer is wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=100, description="Hits of one page")
    cursor: Annotated[str, StringConstraints(max_length=500)] = Field(
        default="", description="Where the page before ended; taken from its `next`"
    )
    facets: bool = Field(default=False, description="Whether counts of sections and filters are wanted")


class Typed(BaseModel):
    """What somebody has typed so far."""

    q: str = Field(default="", description="At least two letters; the last word may be half a word")
    section: str = Field(default="", description="Only this section")


def document(address: str) -> dict[str, Any]:
    """The document as plain data, for a portal at `address`, with the filters that its sections have."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kzopen search API",
            "version": "1",
            "description": "One search over all sections of the portal. Without a token it finds what everybody may see.",
        },
        "servers": [{"url": f"{address}{BASE.removesuffix('/v1')}"}],
        "security": [{}, {"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        },
    }


def _paths() -> dict[str, Any]:
    asked = [*_parameters(question.model()), *_parameters(Paging)]
    return {
        "/v1": {"get": _call("Search all sections", "Found", asked)},
        "/v1/suggest": {"get": _call("Names that fit what was typed so far", "Suggested", _parameters(Typed))},
    }


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """One parameter of the query for each member of a model."""
    properties: dict[str, dict[str, Any]] = model.model_json_schema(by_alias=True)["properties"]
    return [_parameter(name, dict(schema)) for name, schema in properties.items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema.pop("title", None)
    description = schema.pop("description", "")
    if name == "section":
        schema["enum"] = ["", *(section.address for section in registry.sections())]
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _call(summary: str, model: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    good = {"description": summary, "content": {"application/json": {"schema": _reference(model)}}}
    problem = {"description": "A problem", "content": {"application/problem+json": {"schema": _reference("Problem")}}}
    return {"summary": summary, "parameters": parameters, "responses": {"200": good, "default": problem}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=name)}


def _schemas() -> dict[str, Any]:
    given = [(model, "serialization") for model in (answers.Found, answers.Suggested, answers.Problem)]
    _, definitions = models_json_schema(given, ref_template=REFERENCE)  # type: ignore[arg-type]
    found: dict[str, Any] = definitions["$defs"]
    return found
