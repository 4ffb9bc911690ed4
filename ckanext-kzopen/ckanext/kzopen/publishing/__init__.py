"""The publish path: whoever sends rows, and however, they are received, checked and accepted in the same three steps."""

from pathlib import Path

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
mail.templates(Path(__file__).with_name("mail"))
