"""Downloads: `/data/{uri}.{ending}` is the current version of a table, `/data/{uri}/v{n}.{ending}` one that never changes."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.texts import ASTANA, LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem
from ckanext.kzopen.core.withdrawal import Gone, refuse_if_gone, tombstone_named
from ckanext.kzopen.core.withdrawal.answers import Answer, answer
from ckanext.kzopen.core.withdrawal.tombstones import refuse
from ckanext.kzopen.rows import described, references
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.chain import NoWay
from ckanext.kzopen.rows.model import XLSX_ROWS, Version
from ckanext.kzopen.rows.readers import may_see
from flask import Blueprint, Response, request, send_file
from werkzeug.datastructures import ResponseCacheControl

PARQUET = "application/vnd.apache.parquet"
ENDINGS = ("csv", "json", "ndjson", "xlsx", "parquet")
# Browsers keep what they have; caches between ask again, so that a withdrawn version is out of them within a minute.
FOREVER = "max-age=31536000, s-maxage=30, immutable"
ASK_AGAIN = "no-cache"


class Download(Response):
    """An answer whose Cache-Control header stays as we set it.

    CKAN marks every answer `public, max-age=0` after the view has run, by way of this property: wrong for private data
    sets and useless for versions that never change.
    """

    @property
    def cache_control(self) -> ResponseCacheControl:
        """A copy: changes to it have no effect."""
        return ResponseCacheControl(super().cache_control)


blueprint = Blueprint("kzopen_rows", __name__, url_prefix="/data")


@blueprint.errorhandler(Gone)
def withdrawn(error: Gone) -> Answer:
    """A withdrawn table is told of on a page to people."""
    return answer(error)


@blueprint.errorhandler(KzError)
def refused(error: KzError) -> Response:
    """Errors of downloads are told to programs and people alike."""
    return problem(error)


@blueprint.get("/<uri>.<ending>")
def current(uri: str, ending: str) -> Response:
    """The newest version; a client asks each time and is answered 304 while nothing has changed."""
    version = versions.latest(model.Session(), uri)
    return _download(readable(version, uri), ending, ASK_AGAIN)


@blueprint.get("/<uri>/v<int:number>.<ending>")
def numbered(uri: str, number: int, ending: str) -> Response:
    """One version, which may be kept for ever."""
    version = versions.numbered(model.Session(), uri, number)
    return _download(readable(version, uri, number), ending, FOREVER)


def readable(version: Version | None, uri: str, number: int | None = None) -> Version:
    """The version if its reader may see the data set; whoever may not is not told that it exists."""
    if version is None:
        refuse(tombstone_named(model.Session(), "dataset", uri))
        _tell_withdrawn(uri, number)
        _tell_thinned(uri, number)
        raise KzError("web.not_found")
    refuse_if_gone(model.Session(), "dataset", version.package_id)
    if not _may_see(version.package_id):
        raise KzError("web.not_found")
    return version


def _tell_withdrawn(uri: str, number: int | None) -> None:
    """Raise Gone for a withdrawn version (without a number: the newest one) of a data set that its reader may see."""
    found = versions.withdrawn(model.Session(), uri, number)
    if found is not None and _may_see(found.package_id):
        refuse_if_gone(model.Session(), "version", f"{found.package_id}/{found.number}")


def _tell_thinned(uri: str, number: int | None) -> None:
    """Raise rows.thinned, which names the next version that is kept, for one that was thinned out."""
    gone = versions.thinned(model.Session(), uri)
    if any(version.number == number and _may_see(version.package_id) for version in gone):
        later = [version.number for version in versions.all_of(model.Session(), uri) if version.number > (number or 0)]
        raise KzError("rows.thinned", number=number, next=min(later))


def _may_see(package_id: str) -> bool:
    return may_see(tk.current_user.name, package_id)


def _download(version: Version, ending: str, keeping: str) -> Response:
    if ending not in ENDINGS:
        raise KzError("web.not_found")
    raw = ending == "csv" and request.args.get("raw") == "1"
    found = _unchanged(version, ending, raw) or _answer(version, ending, raw)
    scope = "private" if request.environ.get("HTTP_AUTHORIZATION") or not tk.current_user.is_anonymous else "public"
    # Names change with their reference table, so what has them is asked for again.
    found.headers["Cache-Control"] = f"{scope}, {ASK_AGAIN if _labels_asked() else keeping}"
    found.headers["Vary"] = "Authorization, Cookie"
    found.set_etag(_tag(version, ending, raw))
    return found


def _labels_asked() -> str | None:
    """The language in which the words behind codes are asked for (`?labels=kk`), or None."""
    asked = request.args.get("labels", "")
    return asked if asked in LANGUAGES else None


def _tag(version: Version, ending: str, raw: bool) -> str:
    if language := _labels_asked():
        schema = described.schema_of(model.Session(), version)
        day, made_of = datetime.now(ASTANA).date(), references.fingerprint(model.Session(), schema)
        told = f"{version.sha256} {ending} {raw} {language} {day} {made_of}"
        return hashlib.sha256(told.encode()).hexdigest()[:32]
    return hashlib.sha256(f"{version.sha256} {ending} {raw}".encode()).hexdigest()[:32]


def _unchanged(version: Version, ending: str, raw: bool) -> Download | None:
    return Download(status=304) if request.if_none_match.contains(_tag(version, ending, raw)) else None


def _answer(version: Version, ending: str, raw: bool) -> Download:
    """A file with ranges for Parquet; everything else is written while it is sent."""
    from ckanext.kzopen.rows import export, labels, reading, whole

    files_url = tk.config["kzopen.files_url"]
    try:
        table = reading.table_of(model.Session(), files_url, version)
        if (language := _labels_asked()) and ending != "parquet":
            today, schema = datetime.now(ASTANA).date(), described.schema_of(model.Session(), version)
            table = labels.labelled(model.Session(), files_url, table, schema, language, today)
        if ending == "parquet":
            file = whole.kept(files_url, version, table, cache())
            sent = send_file(
                file, PARQUET, download_name=_name(version, ending), as_attachment=True, conditional=True, etag=False
            )
            return cast(Download, Download.force_type(sent))
        table.prepare()
    except (NoWay, FileNotFoundError):
        raise KzError("web.not_found") from None
    media_type, write = export.WRITERS[ending]
    if ending == "xlsx" and version.rows > XLSX_ROWS:
        raise KzError("rows.too_many_for_xlsx", rows=version.rows, limit=XLSX_ROWS)
    pieces = export.csv_pieces(table, raw=raw) if ending == "csv" else write(table)
    answer = Download(pieces, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{_name(version, ending)}"'
    return answer


def cache() -> Path:
    """Where this machine keeps whole files of versions that are stored as changes."""
    return Path(tk.config["kzopen.data"]) / "cache" / "tables"


def _name(version: Version, ending: str) -> str:
    return f"{version.uri}-v{version.number}.{ending}"
