"""What happened, in order, provably: the event log and the public record."""

from ckanext.kzopen.core.record.events import as_dict, events, json_lines, read_of_personal_data, write_event, write_events
from ckanext.kzopen.core.record.log import NotErasable, append, append_all, erase
from ckanext.kzopen.core.record.model import Event
from ckanext.kzopen.core.record.tables import Leaf

__all__ = [
    "Event",
    "Leaf",
    "NotErasable",
    "append",
    "append_all",
    "as_dict",
    "erase",
    "events",
    "json_lines",
    "read_of_personal_data",
    "write_event",
    "write_events",
]
