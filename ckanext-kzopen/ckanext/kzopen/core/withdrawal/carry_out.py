"""A withdrawal from the word of a person to its end: shown first, then done, as far as it goes, within the request."""

from __future__ import annotations

import logging

import ckan.plugins.toolkit as tk
from ckan.lib.search import SearchError
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from ckanext.kzopen.core.withdrawal.order import Order, order
from ckanext.kzopen.core.withdrawal.spread import spread
from ckanext.kzopen.core.withdrawal.things import Thing
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
RIGHT = "withdrawal.withdraw"
FAILURES = (OSError, SQLAlchemyError, SearchError, KzError, tk.ValidationError, tk.ObjectNotFound)


def carry_out(session: Session, thing: Thing, given: Order) -> Withdrawal:
    """Give the order, commit, and take the thing out of the other places at once; what does not go now, the job does.

    The order alone hides the thing; so nothing that fails after its commit may tell the person that it failed.
    """
    number = order(session, thing, given).id
    session.commit()
    try:
        spread(session, number)
    except FAILURES:
        log.exception("withdrawal %s is left to its job", number)
        session.rollback()
    return session.get_one(Withdrawal, number, populate_existing=True)


def may_withdraw(user: str, agency: str | None) -> bool:
    """Whether `user` (a name) may withdraw things of the agency; things of no agency are for those who may everywhere."""
    return rights.allowed(user, RIGHT, agency or "")


def require_right(user: str, agency: str | None) -> None:
    """Raise KzError web.not_allowed unless `user` may withdraw things of the agency."""
    rights.require(user, RIGHT, agency or "")
