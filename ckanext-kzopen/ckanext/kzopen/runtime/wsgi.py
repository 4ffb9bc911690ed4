"""The WSGI application that gunicorn serves; `KZOPEN_INI` names CKAN's configuration."""

from __future__ import annotations

import os
from logging.config import fileConfig

from ckan.cli import CKANConfigLoader
from ckanext.kzopen.core.application import application as made
from ckanext.kzopen.core.web.proxies import behind

_ini = os.environ["KZOPEN_INI"]
fileConfig(_ini, disable_existing_loggers=False)
_config = CKANConfigLoader(_ini).get_config()
application = behind(made(_config), int(_config.get("kzopen.trusted_proxies", 0)))
