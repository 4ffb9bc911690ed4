"""Threads that answer at the same time find CKAN's tables whole: none of them is filled by a first request."""

from __future__ import annotations

import json
import os
import subprocess
import sys

TOLD = """
import json
import ckanext.kzopen.runtime.wsgi
from ckan import authz, logic

def sizes():
    return [len(table) for table in (logic._actions, authz._AuthFunctions._functions, logic._validators_cache)]

before = sizes()
logic.get_action("package_show"), authz.auth_functions_list(), logic.get_validator("ignore")
print(json.dumps([before, sizes()]))
"""


def test_the_web_server_has_all_actions_rights_and_validators_before_the_first_request() -> None:
    environment = os.environ | {"KZOPEN_INI": os.environ["KZOPEN_TEST_INI"]}
    done = subprocess.run([sys.executable, "-c", TOLD], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout.splitlines()[-1])
    assert before == after
