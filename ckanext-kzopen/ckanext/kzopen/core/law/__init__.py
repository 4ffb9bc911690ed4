"""Which day, which term, which state may follow which, and by what rule."""

from ckanext.kzopen.core.law.calendar import Calendar, Day, kazakhstan, load_calendar
from ckanext.kzopen.core.law.deadline import Deadline, due
from ckanext.kzopen.core.law.states import Machine, State, Transition, diagram, load_machine
from ckanext.kzopen.core.law.terms import Period, Term, load_terms, terms

__all__ = [
    "Calendar",
    "Day",
    "Deadline",
    "Machine",
    "Period",
    "State",
    "Term",
    "Transition",
    "diagram",
    "due",
    "kazakhstan",
    "load_calendar",
    "load_machine",
    "load_terms",
    "terms",
]
