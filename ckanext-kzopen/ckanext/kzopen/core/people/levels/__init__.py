"""Levels of identity: how sure the portal is of who somebody is, by whom it was confirmed, and until when.

levels.level_of(user_id)             # the highest one in force, Level.anonymous for nobody
Level.expert in levels.levels_of(user_id)
"""

from pathlib import Path

from ckanext.kzopen.core.people.levels.confirming import PROVIDER, confirm, end
from ckanext.kzopen.core.people.levels.reading import Held, held, level_of, levels_of
from ckanext.kzopen.core.people.levels.rules import Level, rules
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = ["PROVIDER", "Held", "Level", "confirm", "end", "held", "level_of", "levels_of", "rules"]
