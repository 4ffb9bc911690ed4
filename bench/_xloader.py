"""ckanext-xloader 2.6 loads the same file with type casting, in a virtual environment and a DataStore of its own.

The environment borrows CKAN from ours and has xloader with the libraries that it pins. `load_csv` and `create_column_indexes`
are what its job runs; the types are told in the data dictionary, its fast way: guessing them would take hours.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.testing import Suite, test_portal

from bench import _million
from bench.figures import Figure, at_most, unproven

VERSION = "2.6.0"
BAR = "<a tenth of xloader's"
PINNED = (f"ckanext-xloader=={VERSION}", "tabulator==1.53.5", "Unidecode==1.4.0", "chardet==7.6.0")
TYPES = ("text", "text", "text", "text", "numeric", "int8", "date", "timestamp", "text", "bool")
BESIDE = ("ckantoolkit", "six", "boto3", "click", "ijson", "jsonlines", "linear-tsv", "openpyxl", "unicodecsv", "xlrd<2")
PLUGINS = "ckan.plugins = kzopen_search datastore xloader\nckanext.xloader.use_type_guessing = true"
LOAD = """
import sys, time, uuid, logging
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
app = make_app(CKANConfigLoader(sys.argv[1]).get_config())
with app._wsgi_app.test_request_context():
    import ckan.plugins.toolkit as tk
    from ckan import model
    from ckanext.xloader import loader
    site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    free = {"ignore_auth": True, "user": site}
    organization = tk.get_action("organization_create")(dict(free), {"name": "bench"})
    package = tk.get_action("package_create")(dict(free), {"name": "bench", "owner_org": organization["id"]})
    resource = tk.get_action("resource_create")(dict(free), {"package_id": package["id"], "url": "http://x", "format": "CSV"})
    log = logging.getLogger("bench")
    fields = [{"id": name, "type": "text", "info": {"type_override": kind}} for name, kind in TYPES]
    tk.get_action("datastore_create")(dict(free), {"resource_id": resource["id"], "fields": fields, "force": True})
    started = time.perf_counter()
    loaded = loader.load_csv(sys.argv[2], resource["id"], mimetype="text/csv", logger=log)
    loader.create_column_indexes(fields=loaded, resource_id=resource["id"], logger=log)
    print("seconds", time.perf_counter() - started)
    found = tk.get_action("datastore_search")(dict(free), {"resource_id": resource["id"], "limit": 1})
    print("rows", found["total"])
    print("types", ",".join(field["type"] for field in found["fields"]))
"""


def figure(file: Path, ours: float, say: Callable[[str], None]) -> Figure:
    """Our seconds for the whole delivery against a tenth of xloader's for its load."""
    try:
        seconds = _load(file, say)
    except (subprocess.SubprocessError, OSError) as error:
        told = getattr(error, "stderr", b"") or b""
        say(f"ckanext-xloader {VERSION} could not be run: {error}; {told[-2000:].decode(errors='replace')}")
        return unproven("deliver.xloader", ours, "s", BAR)
    return at_most("deliver.xloader", ours, seconds / 10, "s", peer=seconds)


def _load(file: Path, say: Callable[[str], None]) -> float:
    with tempfile.TemporaryDirectory(prefix="kzopen-xloader-") as folder:
        python = _environment(Path(folder) / "environment")
        # Our own environment, which prepares the databases, has no xloader: it comes with an ini of its own.
        suite = Suite("bench", [], {}, worker=False)
        with test_portal(Portal(Settings(data=Path(folder) / "data", demo=False)), suite) as prepared:
            ini = prepared.with_name("xloader.ini")
            ini.write_text(f"[app:main]\nuse = config:{prepared.name}\n{PLUGINS}\n")
            started = time.monotonic()
            done = subprocess.run(
                [str(python), "-c", f"TYPES = {_typed()}\n{LOAD}", str(ini), str(file)],
                capture_output=True,
                check=True,
                timeout=3600,
                cwd="/",
            )
        told = dict(
            line.split(" ", 1) for line in done.stdout.decode().splitlines() if line.startswith(("seconds", "rows", "types"))
        )
        say(f"xloader: {told} ({time.monotonic() - started:.0f} s with its start)")
        return float(told["seconds"])


def _typed() -> list[tuple[str, str]]:
    names = [field["name"] for field in _million.SCHEMA["fields"]]
    return list(zip(names, TYPES, strict=True))


def _environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "--no-deps", *PINNED], check=True, capture_output=True, timeout=600
    )
    subprocess.run([str(python), "-m", "pip", "install", "-q", *BESIDE], check=True, capture_output=True, timeout=600)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    ours = sysconfig.get_path("purelib")
    (own / "borrowed.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    return python
