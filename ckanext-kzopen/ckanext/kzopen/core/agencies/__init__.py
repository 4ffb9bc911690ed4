"""Agencies: their tree, names and codes, each with the dates between which they held; CKAN's organisations are the store.

Here it is only read; what is done to agencies lies in `core.reorganisation`, which stands above rights and states.
"""

from pathlib import Path

from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
