"""Who holds which role in which agency, from when until when, and what CKAN is told because of it."""

from __future__ import annotations

from pathlib import Path

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
mail.templates(Path(__file__).with_name("mails"))
