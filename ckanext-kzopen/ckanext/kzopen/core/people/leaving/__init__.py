"""What people take with them and what goes when they leave: sections register what they keep of a person.

export.register("subscriptions", function)      # function(session, user_id) -> what JSON can hold
deletion.register("notices", function)          # function(session, user_id) erases the section's rows
"""

from pathlib import Path

from ckanext.kzopen.core.people.leaving import deletion, export
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = ["deletion", "export"]
