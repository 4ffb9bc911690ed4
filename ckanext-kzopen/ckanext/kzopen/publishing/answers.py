"""What the universal API answers, as models: the same ones make `openapi.json`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.publishing.calls import Mode
from ckanext.kzopen.publishing.model import Delivery, Passport, Upload
from ckanext.kzopen.publishing.recorded import Recorded
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.publishing.stops import told
from ckanext.kzopen.rows.model import Version
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=2000)]


class RecordAnswer(BaseModel):
    """The leaf of the public record that tells of a version."""

    index: int = Field(description="The place of the leaf in the record, from 0.")
    hash: str = Field(description="The hash of the leaf, in hexadecimal.")
    certificate: str = Field(description="Where the leaves of all versions are given with their proofs, signed.")


class VersionAnswer(BaseModel):
    """One version of a table; it never changes."""

    number: int
    rows: int
    size: int = Field(description="Bytes of the stored Parquet file.")
    sha256: str = Field(description="SHA-256 of the stored file; of a change, over its parent's and its own file's.")
    parent: int | None = Field(None, description="The version of which this one is stored as a change; null when it is whole.")
    rows_sha256: str | None = Field(
        None,
        description="SHA-256 over the rows as CSV; only of versions whose changes were folded into a whole table, else null.",
    )
    created: datetime
    delivery: str | None
    record: RecordAnswer | None = Field(None, description="Its place in the public record.")
    links: dict[str, str]


class DatasetAnswer(BaseModel):
    """A data set: its passport and the current version of its table."""

    model_config = ConfigDict(populate_by_name=True)

    uri: str
    title: dict[str, str]
    description: dict[str, str]
    owner: str
    category: str | None
    periodicity: str | None
    responsible: dict[str, Any] | None
    keywords: dict[str, list[str]]
    license: str | None
    table_schema: dict[str, Any] = Field(alias="schema")
    version: VersionAnswer | None = Field(description="The current version; null before the first one.")
    links: dict[str, str]


class TombstoneAnswer(BaseModel):
    """What stays of a withdrawn version."""

    number: int
    at: datetime
    reason: dict[str, str]
    law: str | None


class ThinnedAnswer(BaseModel):
    """A version that was thinned out: its rows are not kept, its checksum is."""

    number: int
    rows: int
    sha256: str
    created: datetime
    thinned: datetime | None


class VersionsAnswer(BaseModel):
    """The versions of a table, newest first."""

    uri: str
    versions: list[VersionAnswer]
    withdrawn: list[TombstoneAnswer] = Field(default_factory=list, description="Versions that were withdrawn, newest first.")
    thinned: list[ThinnedAnswer] = Field(default_factory=list, description="Versions that were thinned out, newest first.")


class DifferenceAnswer(BaseModel):
    """What a version changed against the one before it: counts, and the first rows of each kind."""

    uri: str
    number: int
    against: int | None
    difference: dict[str, Any]


class StopAnswer(BaseModel):
    """One reason for quarantine: personal data in a column, or a threshold that would be crossed."""

    kind: Literal["personal", "empty", "loss", "columns", "retyped"]
    params: dict[str, Any]
    sentence: str = Field(description="In the language of the request.")


class UploadAnswer(BaseModel):
    """A body that comes in parts: how much of it is safely stored."""

    id: str
    dataset: str
    length: int
    received: int = Field(description="The next part begins here.")
    expires: datetime = Field(description="When it is thrown away if no part comes.")
    delivery: str | None = Field(description="The delivery that it became.")
    links: dict[str, str]


class DeliveryAnswer(BaseModel):
    """A delivery: where it stands and what it did."""

    id: str
    dataset: str
    mode: Mode
    check_only: bool
    waits_for: Literal["check", "approval"] | None = Field(
        description="Before publication: `check` = for its sender, who asked for a check; `approval` = for somebody else."
    )
    publish_at: datetime | None = Field(description="When it is to be published, if not at once.")
    stops: list[StopAnswer] = Field(description="What put it into quarantine.")
    decision_reason: str | None = Field(description="Why a person decided as they did.")
    state: str
    state_label: str = Field(description="The state in the language of the request.")
    received: datetime
    finished: datetime | None
    settled: datetime | None = Field(description="When every interface showed the new version.")
    size: int = Field(description="Bytes of the body as it was sent.")
    sha256: str = Field(description="SHA-256 of the body as it was sent.")
    bytes_deleted: datetime | None = Field(
        None, description="When the body was deleted because its time of keeping had ended; null while it is kept."
    )
    rows: int | None
    added: int | None
    changed: int | None
    unchanged: int | None
    removed: int | None
    wrong: int | None = Field(description="How many errors the check found.")
    error: str | None = Field(description="Why processing failed, when it did; it is tried again by itself.")
    version: VersionAnswer | None
    links: dict[str, str]


class ReportAnswer(BaseModel):
    """A page of a report: complete counts, and the listed findings from `offset` on."""

    delivery: str
    valid: bool
    rows: int
    errors: int = Field(description="How many errors the check found; complete.")
    listed: int = Field(description="How many of them can be read one by one, page by page: 100,000 at most.")
    note: str | None = Field(
        None,
        description="Why fewer are listed than were found, and what to do, in the language of the request; null: all are.",
    )
    counts: dict[str, int]
    reading: dict[str, Any] | None
    repairs: list[dict[str, Any]] = Field(default_factory=list)
    offset: int
    findings: list[dict[str, Any]]
    next: str | None = Field(description="The address of the next page; null at the end of the list.")


class Reason(BaseModel):
    """Why something is withdrawn, in one to three languages; readers will see it."""

    model_config = ConfigDict(extra="forbid")

    kk: Text = ""
    ru: Text = ""
    en: Text = ""


class WithdrawalOrder(BaseModel):
    """What the body of a withdrawal says."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(default_factory=Reason)
    law: Text = Field("", description="The article by which it is withdrawn, as readers will see it.")
    keep_title: bool = Field(False, description="Whether the title may stay on the tombstone.")


class PlaceAnswer(BaseModel):
    """A place where things may lie, and whether the thing lies there at this moment."""

    name: str
    label: str
    holds: bool


class WithdrawalAnswer(BaseModel):
    """A withdrawal: what readers are told, and the places; `state` is null when it was only looked at."""

    kind: str
    name: str
    state: str | None
    places: list[PlaceAnswer]
    id: str | None = None
    title: dict[str, str] | None = None
    at: datetime | None = None
    reason: dict[str, str] = Field(default_factory=dict)
    law: str | None = None
    complete: datetime | None = Field(None, description="When every place was found to be without it.")


class ProblemAnswer(BaseModel):
    """An error as RFC 9457 tells it; `code` and `params` are for programs, `detail` is a sentence in the reader's language."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    params: dict[str, Any]


def version_answer(site: Site, version: Version, recorded: Recorded | None) -> VersionAnswer:
    """A version with the addresses where it can be read, and its place in the public record."""
    here = f"{site.dataset_address(version.uri)}/versions/{version.number}"
    files = {ending: site.data_address(version.uri, version.number, ending) for ending in ("csv", "json", "parquet")}
    return VersionAnswer(
        number=version.number,
        rows=version.rows,
        size=version.size,
        sha256=version.sha256,
        parent=version.parent,
        rows_sha256=version.rows_sha256,
        created=version.created,
        delivery=version.delivery_id,
        record=_record_answer(site, version, recorded),
        links={"diff": f"{here}/diff", **files},
    )


def _record_answer(site: Site, version: Version, recorded: Recorded | None) -> RecordAnswer | None:
    if recorded is None:
        return None
    certificate = f"{site.address}/data/{version.uri}/certificate.json"
    return RecordAnswer(index=recorded.index, hash=recorded.sha256, certificate=certificate)


def dataset_answer(
    site: Site, package: dict[str, Any], passport: Passport, current: Version | None, recorded: Recorded | None = None
) -> DatasetAnswer:
    """A data set from its CKAN package and its passport, with its current version as `recorded`."""
    name = package.get("responsible_translated")
    responsible = {"name": name, "email": package.get("responsible_email"), "phone": package.get("responsible_phone")}
    here = site.dataset_address(passport.uri)
    organization = package.get("organization") or {}
    return DatasetAnswer(
        uri=passport.uri,
        title=package.get("title_translated") or {"kk": package["title"]},
        description=package.get("notes_translated") or {},
        owner=organization.get("name", ""),
        category=package.get("category"),
        periodicity=package.get("periodicity"),
        responsible={k: v for k, v in responsible.items() if v} if name else None,
        keywords=package.get("tags_translated") or {},
        license=package.get("license_id") or None,
        table_schema=passport.schema,
        version=version_answer(site, current, recorded) if current else None,
        links={"self": here, "versions": f"{here}/versions", "page": f"{site.address}/dataset/{package['name']}"},
    )


def delivery_answer(
    site: Site, delivery: Delivery, version: Version | None, recorded: Recorded | None, language: str
) -> DeliveryAnswer:
    """A delivery and the version that it made, as it is recorded."""
    here = site.delivery_address(delivery.id)
    label = in_language(machine_of("delivery").states[delivery.state].label, language)
    counts = {name: getattr(delivery, name) for name in ("rows", "added", "changed", "unchanged", "removed", "wrong")}
    return DeliveryAnswer(
        id=str(delivery.id),
        dataset=delivery.uri,
        mode=delivery.mode,
        check_only=delivery.check_only,
        waits_for=delivery.waits_for,
        publish_at=delivery.publish_at,
        stops=[StopAnswer(**told(stop, language)) for stop in delivery.stops],
        decision_reason=delivery.decision_reason,
        state=delivery.state,
        state_label=label,
        received=delivery.received,
        finished=delivery.finished,
        settled=delivery.settled,
        size=delivery.size,
        sha256=delivery.sha256,
        bytes_deleted=delivery.bytes_deleted,
        error=delivery.error,
        version=version_answer(site, version, recorded) if version else None,
        links={"self": here, "report": f"{here}/report", "dataset": site.dataset_address(delivery.uri)},
        **counts,
    )


def upload_answer(site: Site, upload: Upload) -> UploadAnswer:
    """An upload, and where its parts go."""
    here = site.upload_address(upload.id)
    delivery = {"delivery": site.delivery_address(upload.delivery_id)} if upload.delivery_id else {}
    return UploadAnswer(
        id=str(upload.id),
        dataset=upload.uri,
        length=upload.length,
        received=upload.received,
        expires=upload.expires,
        delivery=str(upload.delivery_id) if upload.delivery_id else None,
        links={"self": here, "complete": f"{here}/complete", **delivery},
    )
