"""Stock CKAN for gunicorn; `BENCH_INI` names its configuration."""

from __future__ import annotations

import os

from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

application = make_app(CKANConfigLoader(os.environ["BENCH_INI"]).get_config())
