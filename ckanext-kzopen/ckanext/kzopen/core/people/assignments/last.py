"""Who is the last one: the portal must keep an operator, and an agency its administrator. Lock first (`change.lock`)."""

from __future__ import annotations

from datetime import datetime

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.people.assignments.reading import own
from ckanext.kzopen.core.people.sign_in import providers
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import text

# The account by which CKAN itself acts is nobody's, though it is a sysadmin with a password, and an admin of the organisations
# that commands have made. A connection with a provider opens an account as a password does.
_ANOTHER_OPERATOR = text(
    """
    SELECT u.id FROM "user" u
    WHERE u.sysadmin AND u.state = 'active' AND u.id <> :person AND u.name <> :portal
      AND (u.password IS NOT NULL OR EXISTS (
          SELECT FROM kzopen.linked_identity i WHERE i.user_id = u.id AND i.provider = ANY (CAST(:providers AS text[]))))
    LIMIT 1
    """
)
# An operator who has entered the agency is its administrator for CKAN alone.
_WORK_THERE = text(
    """
    SELECT u.id FROM "user" u WHERE NOT u.sysadmin AND u.name <> :portal AND u.id IN (
        SELECT table_id FROM member WHERE group_id = :agency AND table_name = 'user' AND state = 'active'
        UNION
        SELECT person FROM kzopen.assignment
        WHERE agency = :agency AND role = :role AND since <= :at AND (until IS NULL OR until > :at))
    """
)


def is_last_operator(session: AnySession, person: str) -> bool:
    """Whether nobody but this person could sign in as an operator, by a password or by a provider alone."""
    offered = [provider.name for provider in providers.elsewhere()]
    told = {"person": person, "portal": tk.config["ckan.site_id"], "providers": offered}
    return session.execute(_ANOTHER_OPERATOR, told).first() is None


def is_last_administrator(session: AnySession, person: str, agency: str, at: datetime) -> bool:
    """Whether this person and nobody else administers the agency at `at`."""
    return administrators(session, agency, at) == {person}


def administrators(session: AnySession, agency: str, at: datetime) -> set[str]:
    """The accounts that administer the agency at `at`; who substitutes for an administrator is none."""
    told = {"agency": agency, "role": roles.ADMINISTRATOR, "at": at, "portal": tk.config["ckan.site_id"]}
    there = session.execute(_WORK_THERE, told).scalars()
    return {one.person for one in own(session, there, at) if (one.role, one.agency) == (roles.ADMINISTRATOR, agency)}
