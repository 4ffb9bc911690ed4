"""The portal, loaded as it is imported: what gunicorn serves and what jobs run in. `KZOPEN_INI` names CKAN's configuration."""

from __future__ import annotations

import os
from logging.config import fileConfig

from ckan.cli import CKANConfigLoader
from ckanext.kzopen.core.application import application as made
from ckanext.kzopen.core.web.proxies import behind

_ini = os.environ["KZOPEN_INI"]
fileConfig(_ini, disable_existing_loggers=False)
_config = CKANConfigLoader(_ini).get_config()
_made = made(_config)
flask_app = _made._wsgi_app
application = behind(_made, int(_config.get("kzopen.trusted_proxies", 0)))
