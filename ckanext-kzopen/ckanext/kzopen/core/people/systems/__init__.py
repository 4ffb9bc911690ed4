"""Information systems of agencies, which publish by themselves, and their tokens.

A system belongs to one agency and acts as `agency-system:<id>`: for data sets of that agency only, all or those named.
"""

from pathlib import Path

from ckanext.kzopen.core.people.systems.model import System, Token, actor_of, is_actor, system_of
from ckanext.kzopen.core.people.systems.tokens import Limits, admitted, is_token
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = ["Limits", "System", "Token", "actor_of", "admitted", "is_actor", "is_token", "system_of"]
