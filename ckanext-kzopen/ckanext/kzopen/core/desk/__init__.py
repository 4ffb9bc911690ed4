"""The workstation `/staff`: the shell of all staff pages, the registry of desks, and what waits for a person.

A section that has pages for staff puts them on `desk.pages("kzopen_<section>_staff")`, lets its templates extend
`desk/base.html`, and registers a `Desk` with its tasks.
"""

from pathlib import Path

from ckanext.kzopen.core.desk.access import Page, me, pages
from ckanext.kzopen.core.desk.finding import Findable, Hit, register_findable
from ckanext.kzopen.core.desk.registry import Button, Desk, Task, desks, register
from ckanext.kzopen.core.desk.visitor import Visitor, visitor
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))

__all__ = [
    "Button",
    "Desk",
    "Findable",
    "Hit",
    "Page",
    "Task",
    "Visitor",
    "desks",
    "me",
    "pages",
    "register",
    "register_findable",
    "visitor",
]
