"""`python build.py [FOLDER]`: makes `kzopen-agent.pyz`, the agent in one file that Python 3.11 or newer runs.

The MariaDB driver (PyMySQL, pure Python) goes in when it is installed; PostgreSQL needs psycopg on the machine.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
import zipapp
from pathlib import Path

HERE = Path(__file__).parent
MAIN = "import sys\nfrom kzopen_agent.__main__ import main\nsys.exit(main())\n"
BROUGHT = ("pymysql",)


def build(folder: Path) -> Path:
    """Write the file into the folder; its path."""
    target = folder / "kzopen-agent.pyz"
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HERE / "kzopen_agent", root / "kzopen_agent", ignore=skip)
        for name in BROUGHT:
            found = importlib.util.find_spec(name)
            if found and found.submodule_search_locations:
                shutil.copytree(found.submodule_search_locations[0], root / name, ignore=skip)
        (root / "__main__.py").write_text(MAIN)
        zipapp.create_archive(root, target, interpreter="/usr/bin/env python3", compressed=True)
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
