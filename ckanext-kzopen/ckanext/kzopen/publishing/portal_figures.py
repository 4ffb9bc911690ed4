"""The portal's own figures as a data set of the portal, published every day through the publish path as everybody's are."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.names import names_of
from ckanext.kzopen.core.figures import figures
from ckanext.kzopen.core.figures.series import everything
from ckanext.kzopen.publishing import datasets, receive
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.package import site_user
from ckanext.kzopen.publishing.passport import Passport
from ckanext.kzopen.publishing.site import configured
from sqlalchemy import select
from sqlalchemy.orm import Session

URI = "portal-figures"
OWNER = "portal"
HEADER = ["figure", "title_kk", "title_ru", "title_en", "period", "start", "agency", "agency_name", "value"]
PASSPORT: dict[str, Any] = {
    "title": {"kk": "Порталдың көрсеткіштері", "ru": "Показатели портала", "en": "Figures of the portal"},
    "description": {
        "kk": "Портал өзі туралы санайтын көрсеткіштер: қаралымдар, жүктеп алулар, API сұраныстары, жарияланған нұсқалар.",
        "ru": "Что портал считает о себе: просмотры, скачивания, обращения к API, опубликованные версии.",
        "en": "What the portal counts about itself: views, downloads, API calls, published versions.",
    },
    "owner": OWNER,
    "category": "governance",
    "periodicity": "DAILY",
    "keywords": {"kk": ["портал"], "ru": ["портал"], "en": ["portal"]},
    "schema": {
        "fields": [
            {"name": "figure", "type": "string", "constraints": {"required": True}},
            {"name": "title_kk", "type": "string"},
            {"name": "title_ru", "type": "string"},
            {"name": "title_en", "type": "string"},
            {"name": "period", "type": "string"},
            {"name": "start", "type": "date", "constraints": {"required": True}},
            {"name": "agency", "type": "string"},
            {"name": "agency_name", "type": "string"},
            {"name": "value", "type": "number", "constraints": {"required": True}},
        ]
    },
}


def publish(session: Session) -> Delivery | None:
    """Send the kept values as a new version; None when nothing changed since the last one. Commits."""
    body = table(session)
    _ensure_owner()
    user = site_user()
    passport = datasets.save(session, user, URI, Passport.model_validate(PASSPORT)).passport
    sender = datasets.user_id(user)
    sending = receive.Sending("replace", sender=sender, source="command", media_type="text/csv", file_name=f"{URI}.csv")
    site = configured()
    wanted = select(Delivery.sha256).where(Delivery.package_id == passport.package_id, Delivery.state != "refused")
    if session.scalar(wanted.order_by(Delivery.received.desc()).limit(1)) == hashlib.sha256(body).hexdigest():
        return None
    return receive.deliver(session, site.files_url, passport, sending, io.BytesIO(body), site.largest).delivery


def table(session: Session) -> bytes:
    """All kept values as CSV: a row for each figure, period and agency."""
    titles = {figure.name: figure for figure in figures()}
    values = [row for row in everything(session) if row["figure"] in titles]
    names = names_of(session, sorted({row["agency"] for row in values if row["agency"]}))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(HEADER)
    for row in values:
        figure = titles[row["figure"]]
        words = [figure.title[language] for language in ("kk", "ru", "en")]
        name = names.get(row["agency"], {}).get("kk", "")
        writer.writerow([figure.name, *words, figure.period.value, row["start"], row["agency"], name, row["value"]])
    return target.getvalue().encode()


def _ensure_owner() -> None:
    """The portal itself as an organisation, made when the figures are published for the first time."""
    if model.Group.get(OWNER) is None:
        title = {"name": OWNER, "title": str(tk.config["ckan.site_title"])}
        tk.get_action("organization_create")({"user": site_user(), "ignore_auth": True}, title)
