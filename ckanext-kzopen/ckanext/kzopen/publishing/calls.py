"""What callers of the universal API may say, as models: they check the input, and `openapi.json` is made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from ckanext.kzopen.publishing.passport import Input, Uri
from flask import request
from pydantic import AwareDatetime, Field, StringConstraints, field_validator

Mode = Literal["replace", "append", "upsert", "delete"]
Key = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Given = TypeVar("Given", bound=Input)
LARGEST_PAGE = 1000
FIRST_PAGE = 100


class RowsQuery(Input):
    """How rows are to be taken."""

    mode: Mode = Field("replace", description="What becomes of the rows that are published already.")
    check: Literal["only"] | None = Field(None, description="`only`: the full report, and nothing is published.")
    publish_at: AwareDatetime | None = Field(None, description="Not before this moment; with its time zone.")

    @field_validator("publish_at", mode="before")
    @classmethod
    def _plus_is_a_blank_in_addresses(cls, value: Any) -> Any:
        return value.replace(" ", "+") if isinstance(value, str) else value


class ReportQuery(Input):
    """Which page of a report, and as what."""

    offset: int = Field(0, ge=0, le=1_000_000, description="Number of the first finding of the page.")
    limit: int = Field(FIRST_PAGE, ge=1, le=LARGEST_PAGE, description="Findings on a page.")
    format: Literal["json", "csv"] = Field("json", description="`csv` has one finding in each line.")


class DifferenceQuery(Input):
    """Against which other version."""

    against: int | None = Field(None, ge=1, le=2_000_000_000, description="Number of the other version; else the one before.")


class WithdrawalQuery(Input):
    """Whether the withdrawal is only to be shown."""

    check: Literal["only"] | None = Field(None, description="`only`: the places that it would be taken out of.")


class Decision(Input):
    """Why somebody decides so; the sender and the record of events will see it."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class UploadOrder(Input):
    """A large body that will come in parts: for which data set, how long it is, and what the rows' query would say."""

    dataset: Uri
    length: int = Field(gt=0, description="Bytes of the whole body.")
    mode: Mode = "replace"
    check: Literal["only"] | None = None
    publish_at: AwareDatetime | None = None
    media_type: Annotated[str, StringConstraints(max_length=200)] | None = None
    file_name: Annotated[str, StringConstraints(max_length=255)] | None = None
    idempotency_key: Key | None = None


class Completion(Input):
    """What the whole body has to be."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="SHA-256 of the whole body, in hexadecimal."
    )


def query(model: type[Given]) -> Given:
    """The address's parameters; one that is not known is a mistake, not something to pass over."""
    return model.model_validate(request.args.to_dict())
