"""The workstation `/staff`: the shell of all staff pages, the registry of desks, and what waits for a person.

A section that has pages for staff puts them on `desk.pages("kzopen_<section>_staff")`, lets its templates extend
`desk/base.html`, and registers a `Desk` with its tasks.
"""

from ckanext.kzopen.core.desk.access import Page, me, pages
from ckanext.kzopen.core.desk.registry import Button, Desk, Task, desks, register
from ckanext.kzopen.core.desk.visitor import Visitor, visitor

__all__ = ["Button", "Desk", "Page", "Task", "Visitor", "desks", "me", "pages", "register", "visitor"]
