"""`python build.py [FOLDER]`: makes `kzopen-agent.pyz`, the agent in one file that Python 3.11 or newer runs, and its wheel.

The MariaDB driver (PyMySQL, pure Python) goes into the one file when it is installed; PostgreSQL needs psycopg on the machine.
The same files give the same bytes, whenever and wherever they are made, so that SHA-256 can be compared.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
AGENT = "kzopen_agent"
ZIPAPP = "kzopen-agent.pyz"
MAIN = "import sys\nfrom kzopen_agent.__main__ import main\nsys.exit(main())\n"
FIRST_LINE = b"#!/usr/bin/env python3\n"
BROUGHT = ("pymysql",)
WHEEL = "Wheel-Version: 1.0\nGenerator: kzopen\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
Files = dict[str, bytes]


def build(folder: Path) -> Path:
    """Write the one file into the folder; its path."""
    files = _package(HERE / AGENT) | {"__main__.py": MAIN.encode()}
    for name in BROUGHT:
        found = importlib.util.find_spec(name)
        if found and found.submodule_search_locations:
            files |= _package(Path(found.submodule_search_locations[0]))
    target = _archive(folder / ZIPAPP, files, FIRST_LINE)
    target.chmod(0o755)
    return target


def build_wheel(folder: Path) -> Path:
    """Write the wheel into the folder; its path."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = f"{AGENT}-{project['version']}"
    scripts = [f"{command} = {place}" for command, place in project["scripts"].items()]
    told = {
        "METADATA": "\n".join(_metadata(project)) + "\n",
        "WHEEL": WHEEL,
        "entry_points.txt": "\n".join(["[console_scripts]", *scripts]) + "\n",
    }
    files = _package(HERE / AGENT) | {f"{name}.dist-info/{part}": text.encode() for part, text in told.items()}
    record = f"{name}.dist-info/RECORD"
    lines = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    return _archive(folder / f"{name}-py3-none-any.whl", files)


def _metadata(project: Mapping[str, object]) -> Iterator[str]:
    yield "Metadata-Version: 2.1"
    for name, key in (("Name", "name"), ("Version", "version"), ("Summary", "description"), ("License", "license")):
        yield f"{name}: {project[key]}"
    yield f"Requires-Python: {project['requires-python']}"
    extras = project["optional-dependencies"]
    for extra, needed in extras.items() if isinstance(extras, dict) else ():
        yield f"Provides-Extra: {extra}"
        yield from (f'Requires-Dist: {one}; extra == "{extra}"' for one in needed)


def _package(folder: Path) -> Files:
    """The modules of a package, by their place in an archive."""
    return {str(path.relative_to(folder.parent)): path.read_bytes() for path in sorted(folder.rglob("*.py"))}


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def _archive(target: Path, files: Mapping[str, bytes], first: bytes = b"") -> Path:
    with target.open("wb") as file:
        file.write(first)
        with zipfile.ZipFile(file, "w") as archive:  # not packed: each zlib packs otherwise
            for path, content in files.items():
                told = zipfile.ZipInfo(path)  # of 1980, and not of today
                told.external_attr = 0o644 << 16
                archive.writestr(told, content)
    return target


if __name__ == "__main__":
    into = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    print(build(into))
    print(build_wheel(into))
