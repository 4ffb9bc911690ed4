"""Accounts of people: signing up, recovering, changing, telling what is kept, deleting. The store is CKAN's table `user`."""

from pathlib import Path

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
mail.templates(Path(__file__).with_name("mails"))
