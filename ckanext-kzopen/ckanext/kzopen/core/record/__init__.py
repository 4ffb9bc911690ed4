"""What happened, in order."""

from ckanext.kzopen.core.record.events import as_dict, events, json_lines, write_event
from ckanext.kzopen.core.record.model import Event

__all__ = ["Event", "as_dict", "events", "json_lines", "write_event"]
