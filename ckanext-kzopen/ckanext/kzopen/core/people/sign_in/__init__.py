"""Signing in and out: by password or another provider, with a second factor where the role asks for one."""

from pathlib import Path

from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
