"""The web server as it has loaded: CKAN's tables are whole, so no thread meets one that a first request is filling, and the
libraries that read whole tables are left to the processes that do."""

from __future__ import annotations

import json
import os
import subprocess
import sys

TOLD = """
import json
import sys
import ckanext.kzopen.runtime.wsgi
from ckan import authz, logic

def sizes():
    return [len(table) for table in (logic._actions, authz._AuthFunctions._functions, logic._validators_cache)]

before = sizes()
logic.get_action("package_show"), authz.auth_functions_list(), logic.get_validator("ignore")
print(json.dumps([before, sizes(), sorted({name.partition(".")[0] for name in sys.modules})]))
"""
HEAVY = {"duckdb", "frictionless", "numpy", "openpyxl", "pandas", "polars", "pyarrow"}


def test_the_web_server_has_all_actions_rights_and_validators_before_the_first_request_and_no_heavy_library() -> None:
    environment = os.environ | {"KZOPEN_INI": os.environ["KZOPEN_TEST_INI"]}
    done = subprocess.run([sys.executable, "-c", TOLD], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    before, after, modules = json.loads(done.stdout.splitlines()[-1])
    assert before == after
    assert HEAVY & set(modules) == set()
