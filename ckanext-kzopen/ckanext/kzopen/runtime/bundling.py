"""`./kzopen bundle`: one file with the project and all packages, for a machine that reaches no network.

The launcher finds the packages in `wheels/` beside it and asks nobody else. They are made for this Python and this platform.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import click

ROOT = Path(__file__).resolve().parents[4]
FILES = "files"
"""Member of `wheels/` that names the project's own files: of a bundle that is bundled again, only those are taken."""


class CannotBundle(Exception):
    """There is no bundle; the message says why and what helps."""


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
def bundle(target: Path) -> None:
    """Write the project as it was committed, and all packages, into one archive for a machine without internet.

    There: tar -xf FILE, and ./kzopen serve in the folder that it makes. Python and the kind of machine must be the same.

    Example: ./kzopen bundle kzopen-bundle.tar
    """
    try:
        make(target.absolute(), click.echo)
    except CannotBundle as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{target}  {target.stat().st_size / 2**20:.0f} MB, for Python and machine {launcher().this_machine()}")


def launcher() -> ModuleType:
    """The launcher's first step as a module: which installer it wants, and what it calls this machine."""
    loader = SourceFileLoader("kzopen_launcher", str(ROOT / "kzopen"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec  # noqa: S101 (made of a loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def make(target: Path, say: Callable[[str], None]) -> None:
    """Write the bundle; it appears under its name when it is whole. Raises CannotBundle."""
    first = launcher()
    unfinished = target.with_name(f"{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="kzopen-bundle-", dir=target.parent) as name:
            folder = Path(name) / f"kzopen-{version('kzopen')}"
            say("the project …")
            files = _project(Path(name) / "project.tar", folder)
            say("its packages …")
            wheels = _wheels(folder, first)
            (wheels / first.MADE_FOR.name).write_text(first.this_machine() + "\n")
            (wheels / FILES).write_text("".join(f"{file}\n" for file in files))
            say("writing …")
            with tarfile.open(unfinished, "w") as archive:
                archive.add(folder, folder.name)
        unfinished.replace(target)
    except OSError as error:
        raise CannotBundle(f"{error.strerror or error}: {error.filename or target}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _project(archive: Path, folder: Path) -> list[str]:
    """The last commit, without what somebody has changed or kept here, or the files that came out of a bundle; their names."""
    if (ROOT / ".git").exists():
        _run(["git", "archive", f"--output={archive}", "HEAD"], "git is needed here: sudo apt install git")
        with tarfile.open(archive) as project:
            project.extractall(folder, filter="data")
        archive.unlink()
        return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir())
    files = (ROOT / "wheels" / FILES).read_text().splitlines()
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, folder / file, follow_symlinks=False)
    return files


def _wheels(folder: Path, first: ModuleType) -> Path:
    """All packages that the project and its installation need, each as a wheel."""
    wheels = folder / first.WHEELS.name
    wheels.mkdir()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels)]
    build = _build_requirements(folder)
    if first.WHEELS.is_dir():
        pip += ["--no-index", "--find-links", str(first.WHEELS)]
    network = "The packages could not be fetched; check the network (or your pip configuration) and run the command again."
    _run([*pip, "-r", str(folder / "requirements.txt"), first.UV, *build], network)
    return wheels


def _build_requirements(folder: Path) -> list[str]:
    """What building the project itself asks for."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    return [str(name) for name in project["build-system"]["requires"]]


def _run(command: list[str], helps: str) -> None:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotBundle(helps) from error
    if done.returncode:
        raise CannotBundle(f"{helps}\n{done.stderr.strip()[-2000:]}")
