"""Are the installed libraries those of the lock?"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ckanext.kzopen.runtime.portal import Portal
from packaging.requirements import Requirement

LOCK = Path(__file__).parents[4] / "requirements.txt"


def astray(portal: Portal) -> Iterator[tuple[str, str]]:
    """Each library that is missing or of another version than the lock names, and the commands that bring those of the lock;
    nothing where the package was installed without it.
    """
    lines = LOCK.read_text(encoding="utf-8").splitlines() if LOCK.exists() else []
    for wanted in (Requirement(line) for line in lines if line and not line.startswith("#")):
        if wanted.marker and not wanted.marker.evaluate():
            continue
        found = _installed(wanted.name)
        if found not in wanted.specifier:
            told = f"{wanted.name} {found} is installed" if found else f"{wanted.name} is not installed"
            yield f"{told}, and requirements.txt names {wanted.specifier}", _brought_anew(portal)


def _installed(name: str) -> str:
    """The version of an installed library; "" of one that is not."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _brought_anew(portal: Portal) -> str:
    """The launcher brings the libraries to the lock when its stamp is gone."""
    stamp = shlex.quote(str(Path(sys.prefix) / "kzopen.stamp"))
    return f"rm -f {stamp} && {portal.anew()}"
