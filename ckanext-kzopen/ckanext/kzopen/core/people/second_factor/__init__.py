"""The second factor: six digits of an application (TOTP, RFC 6238), with recovery codes for a lost device.

second_factor.required(user_id)      # whether the person's roles ask for one
second_factor.enrolled(user_id)
"""

from pathlib import Path

from ckanext.kzopen.core.people.second_factor.keeping import enrolled, remove
from ckanext.kzopen.core.people.second_factor.requiring import asks_for_it, required
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = ["asks_for_it", "enrolled", "remove", "required"]
