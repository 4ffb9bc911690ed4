"""Old addresses of agencies: `/organization/<old name>` leads to the page of today for ever."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.model import Agency, AgencyAddress, AnySession
from flask import Flask, Response, request
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

PAGES = ("organization.", "activity.organization_activity")
PERMANENT = 301


def changed(session: AnySession, agency_id: str, old: str, new: str) -> None:
    """Remember the old address; one that comes into use again is no old one any more."""
    session.execute(delete(AgencyAddress).where(AgencyAddress.address == new))
    row = {"address": old, "agency": agency_id}
    again = {"agency": agency_id, "until": func.now()}
    session.execute(insert(AgencyAddress).values(row).on_conflict_do_update(index_elements=["address"], set_=again))


def present(session: AnySession, old: str) -> str | None:
    """The address of today of the agency that had this one; None where nobody had it."""
    query = select(Agency.address).join(AgencyAddress, AgencyAddress.agency == Agency.id)
    return session.scalar(query.where(AgencyAddress.address == old, Agency.state != "removed"))


def install(app: Flask) -> None:
    """Answer pages of old addresses with the new one, where CKAN finds nothing."""
    app.after_request(lead_on)


def lead_on(answer: Response) -> Response:
    """The answer, or the way to the new address when it is "not found" and the address was an agency's."""
    asked = (request.view_args or {}).get("id")
    if answer.status_code != 404 or not asked or not (request.endpoint or "").startswith(PAGES):
        return answer
    if request.method not in ("GET", "HEAD") or (found := present(model.Session, asked)) is None:
        return answer
    place = tk.h.url_for(str(request.endpoint), **{**(request.view_args or {}), "id": found})
    query = request.query_string.decode("ascii", "ignore")
    moved = tk.redirect_to(f"{place}?{query}" if query else place)
    moved.status_code = PERMANENT
    return moved
