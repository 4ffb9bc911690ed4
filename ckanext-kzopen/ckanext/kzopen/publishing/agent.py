"""The agent of `api_clients/agent` as files that the portal gives to agencies, which have no checkout: one file, and a wheel.

They are made in the data directory when they are first asked for, anew after each upgrade, and lie there by their SHA-256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem
from ckanext.kzopen.publishing.site import configured
from flask import Blueprint, Response, send_file

BUILDER = Path(__file__).resolve().parents[4] / "api_clients" / "agent" / "build.py"
SUMS = "SHA256SUMS"
MEDIA_TYPE = "application/octet-stream"

blueprint = Blueprint("kzopen_agent", __name__, url_prefix="/agent")


@dataclass(frozen=True)
class Made:
    """A file of the agent; `size` in bytes."""

    path: Path
    sha256: str
    size: int

    @property
    def name(self) -> str:
        return self.path.name


@blueprint.errorhandler(KzError)
def refused(error: KzError) -> Response:
    """Errors of downloads are told to programs and people alike."""
    return problem(error)


@blueprint.get("/")
def page() -> str:
    """What the agent is, the command that installs it, and the files with their SHA-256."""
    portal = configured().address
    given = {"files": list(files().values()), "address": f"{portal}{blueprint.url_prefix}", "portal": portal}
    shown: str = tk.render("agent.html", given)
    return shown


@blueprint.get("/<name>")
def file(name: str) -> Response:
    """One of the files; KzError web.not_found for a name that none has."""
    made = files()
    if name == SUMS:
        return Response("".join(f"{one.sha256}  {one.name}\n" for one in made.values()), mimetype="text/plain")
    if name not in made:
        raise KzError("web.not_found")
    return send_file(made[name].path, MEDIA_TYPE, as_attachment=True, download_name=name, etag=made[name].sha256)


def files() -> dict[str, Made]:
    """The agent's files by name, the one that needs no installation first; none in a portal without its sources."""
    folder = Path(tk.config["kzopen.data"]) / "cache" / "agent"
    found = _made(folder)
    if all(one.path.exists() for one in found):
        return {one.name: one for one in found}
    _made.cache_clear()
    return {one.name: one for one in _made(folder)}


@cache
def _made(folder: Path) -> tuple[Made, ...]:
    if not BUILDER.exists():
        return ()
    build = _builder()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as name:
        return tuple(_kept(make(Path(name)), folder) for make in (build.build, build.build_wheel))


def _kept(path: Path, folder: Path) -> Made:
    """The file under its SHA-256; another process may have put the same there."""
    sha256, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    place = folder / sha256 / path.name
    place.parent.mkdir(exist_ok=True)
    path.replace(place)
    return Made(place, sha256, size)


def _builder() -> ModuleType:
    spec = spec_from_file_location("kzopen_agent_build", BUILDER)
    if spec is None or spec.loader is None:
        raise KzError("web.not_found")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
