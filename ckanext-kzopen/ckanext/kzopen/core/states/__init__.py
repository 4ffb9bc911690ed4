"""The one way in which anything changes its state."""

from pathlib import Path

from ckanext.kzopen.core.states.change import Allowed, begin, begin_all, change, possible
from ckanext.kzopen.core.states.guards import Guard, guard
from ckanext.kzopen.core.states.machines import check, kinds, machine_of, register
from ckanext.kzopen.core.states.telling import Changed
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = [
    "Allowed",
    "Changed",
    "Guard",
    "begin",
    "begin_all",
    "change",
    "check",
    "guard",
    "kinds",
    "machine_of",
    "possible",
    "register",
]
